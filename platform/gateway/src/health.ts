/**
 * Asks every endpoint each second whether it is ready. One 200 makes it healthy. Anything else it
 * answers, or a refused connection, makes it unhealthy at once: it says so itself. A time-out says
 * less, as a busy instance is late too: it takes three in a row.
 */
import type { Clock } from "@tideway/kernel";
import type { Endpoint } from "./endpoint.ts";
import { HEALTH_INTERVAL_MS, HEALTH_TIMEOUTS_MAX, HEALTH_TIMEOUT_MS } from "./limits.ts";
import type { Revision } from "./revision.ts";
import type { Table } from "./table.ts";
import { upstreamGet } from "./upstream-get.ts";

const READY_BYTES_MAX = 65_536;

export interface HealthChecks {
  stop(): void;
}

export function startHealthChecks(table: Table, clock: Clock): HealthChecks {
  const timer = setInterval(() => {
    for (const revision of table.revisions()) {
      for (const endpoint of revision.endpoints) {
        if (!endpoint.probing) void probe(revision, endpoint, clock);
      }
    }
  }, HEALTH_INTERVAL_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

async function probe(revision: Revision, endpoint: Endpoint, clock: Clock): Promise<void> {
  endpoint.probing = true;
  try {
    const { status } = await upstreamGet(endpoint, {
      path: "/ready",
      timeoutMs: HEALTH_TIMEOUT_MS,
      bytesMax: READY_BYTES_MAX,
      audience: null,
      nowMs: clock.now(),
    });
    revision.markHealth(endpoint, status === 200);
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === "TimeoutError";
    if (isTimeout) endpoint.probeTimeouts++;
    if (!isTimeout || endpoint.probeTimeouts >= HEALTH_TIMEOUTS_MAX) {
      revision.markHealth(endpoint, false);
    }
  } finally {
    endpoint.probing = false;
  }
}
