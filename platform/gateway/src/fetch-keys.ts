/** Reads the key set of people's tokens from the service that publishes it, waking it if need be. */
import { commonErrors } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import type { Endpoint } from "./endpoint.ts";
import { KEYS_BYTES_MAX, KEYS_FETCH_MS } from "./limits.ts";
import type { Revision, Waiter } from "./revision.ts";
import type { Table } from "./table.ts";
import { upstreamGet } from "./upstream-get.ts";

/** The parsed document. Rejects with UPSTREAM_UNAVAILABLE, or with what went wrong. */
export async function fetchKeys(table: Table, clock: Clock): Promise<unknown> {
  const { service: name, path } = table.tokens;
  const service = table.services.get(name);
  const revision = service?.revisions.get(service.split.stable);
  if (revision === undefined) {
    throw commonErrors.error("UPSTREAM_UNAVAILABLE", { given: { service: name } });
  }
  // The path may be written as people see it; the instance knows it without the prefix.
  const prefix = `/api/${name}/`;
  const endpoint = await endpointOf(revision);
  const reply = await upstreamGet(endpoint, {
    path: path.startsWith(prefix) ? path.slice(prefix.length - 1) : path,
    timeoutMs: KEYS_FETCH_MS,
    bytesMax: KEYS_BYTES_MAX,
    audience: name,
    nowMs: clock.now(),
  });
  if (reply.status !== 200) throw new Error(`${name} answered ${reply.status} for its keys.`);
  return JSON.parse(reply.body.toString("utf8")) as unknown;
}

/** A healthy endpoint, waited for like any request waits. */
function endpointOf(revision: Revision): Promise<Endpoint> {
  const now = revision.pick();
  if (now !== null) return Promise.resolve(now);
  const unavailable = commonErrors.error("UPSTREAM_UNAVAILABLE", {
    given: { service: revision.service },
  });
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      clearTimeout(timer);
      revision.leave(waiter);
      reject(unavailable);
    };
    const timer = setTimeout(giveUp, KEYS_FETCH_MS);
    const waiter: Waiter = {
      proceed: (endpoint) => {
        clearTimeout(timer);
        resolve(endpoint);
      },
      // Whoever asked asks again; the next try sees the new configuration.
      reconsider: giveUp,
    };
    if (!revision.enqueue(waiter)) giveUp();
  });
}
