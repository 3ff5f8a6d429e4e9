/**
 * Keeps asking an instance for GET /ready and says when that changes.
 *
 *   starting --200--> ready --three failures in a row--> starting --200--> ready
 *      |                                                    |
 *      +-- not within readyTimeoutMs --> gives up           +-- not within unreadyTimeoutMs --> gives up
 *
 * The socket listens before the instance does, so the first probe usually waits inside the socket's
 * queue and is answered the moment the instance takes connections.
 */
import { request } from "node:http";
import type { Clock } from "@tideway/kernel";
import { sleep } from "@tideway/kernel";
import type { EngineLimits } from "./options.ts";

export interface ProbeAnswer {
  /** Null when there was no answer at all. */
  readonly status: number | null;
  readonly body: string | null;
  /** What kept it from answering, when it did not. */
  readonly problem: string | null;
}

export interface HealthOptions {
  readonly url: string;
  readonly limits: EngineLimits;
  readonly clock: Clock;
  /** Known to be ready, by an engine before this one. */
  readonly ready: boolean;
  /** How much of readyTimeoutMs is left; when nothing is, the instance is still asked once. */
  readonly readyWithinMs: number;
  readonly onReady: () => void;
  readonly onUnready: (answer: ProbeAnswer) => void;
  /** Ends the probing. */
  readonly signal: AbortSignal;
}

export interface HealthOutcome {
  /** The instance ran out of time and has to be replaced; false when `signal` fired. */
  readonly gaveUp: boolean;
  readonly lastAnswer: ProbeAnswer | null;
}

const FIRST_INTERVAL_MS = 25;
const INTERVAL_MS_MAX = 200;
const PROBE_MS_MIN = 250;
const INTERVAL_GROWTH = 1.5;
const BODY_BYTES_MAX = 2_048;

/** Probes until the instance runs out of time or the signal fires. */
export async function keepProbing(options: HealthOptions): Promise<HealthOutcome> {
  const { limits, clock, signal } = options;
  let ready = options.ready;
  let giveUpAt = clock.monotonic() + options.readyWithinMs;
  let failedInRow = 0;
  let intervalMs = FIRST_INTERVAL_MS;
  let lastAnswer: ProbeAnswer | null = null;
  while (!signal.aborted) {
    const leftMs = ready ? Infinity : giveUpAt - clock.monotonic();
    if (leftMs <= 0 && lastAnswer !== null) return { gaveUp: true, lastAnswer };
    // The last probe gets a fair time too: what it says is what the operator reads.
    const timeoutMs = Math.min(limits.probeTimeoutMs, Math.max(PROBE_MS_MIN, leftMs));
    const answer = await probe(options.url, timeoutMs, signal);
    if (signal.aborted) break;
    lastAnswer = answer;
    if (answer.status === 200) {
      failedInRow = 0;
      if (!ready) options.onReady();
      ready = true;
    } else {
      failedInRow += 1;
    }
    if (ready && failedInRow >= limits.probesFailedMax) {
      ready = false;
      giveUpAt = clock.monotonic() + limits.unreadyTimeoutMs;
      intervalMs = INTERVAL_MS_MAX;
      options.onUnready(answer);
    }
    await sleep(ready ? limits.probeIntervalMs : intervalMs, signal);
    intervalMs = Math.min(INTERVAL_MS_MAX, intervalMs * INTERVAL_GROWTH);
  }
  return { gaveUp: false, lastAnswer };
}

/** One GET /ready on a connection of its own. Never rejects. */
function probe(url: string, timeoutMs: number, signal: AbortSignal): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let status: number | null = null;
    const finish = (problem: string | null): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      outgoing.destroy();
      const body =
        status === null ? null : Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX).toString("utf8");
      resolve({ status, body, problem });
    };
    const onAbort = (): void => finish("the probe was ended");
    const outgoing = request(`${url}/ready`, { agent: false }, (reply) => {
      status = reply.statusCode ?? null;
      reply.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes >= BODY_BYTES_MAX) finish(null);
      });
      reply.on("end", () => finish(null));
      reply.on("error", (error) => finish(error.message));
    });
    const timer = setTimeout(() => finish(`no answer within ${timeoutMs} ms`), timeoutMs);
    signal.addEventListener("abort", onAbort, { once: true });
    outgoing.on("error", (error) => finish(error.message));
    outgoing.end();
  });
}
