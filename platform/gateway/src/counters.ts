/** What happened at one revision since the gateway started: first attempts only. */
import { LATENCY_BUCKETS_MS } from "./config.ts";
import type { BadReason } from "./config.ts";

export class Counters {
  requests = 0;
  bad = 0;
  status2xx = 0;
  status4xx = 0;
  status5xx = 0;
  timeouts = 0;
  lost = 0;
  readonly latency: number[] = Array.from({ length: LATENCY_BUCKETS_MS.length + 1 }, () => 0);
  /** For the sum a Prometheus histogram needs, in milliseconds. */
  latencySumMs = 0;

  count(status: number | null, reason: BadReason | null, durationMs: number): void {
    this.requests++;
    if (reason !== null) this.bad++;
    if (reason === "timeout") this.timeouts++;
    else if (reason === "lost") this.lost++;
    if (status !== null && status >= 500) this.status5xx++;
    else if (status !== null && status >= 400) this.status4xx++;
    else if (status !== null && status < 300) this.status2xx++;
    const bucket = bucketOf(durationMs);
    this.latency[bucket] = (this.latency[bucket] ?? 0) + 1;
    this.latencySumMs += durationMs;
  }
}

function bucketOf(durationMs: number): number {
  let bucket = 0;
  for (const boundMs of LATENCY_BUCKETS_MS) {
    if (durationMs <= boundMs) return bucket;
    bucket++;
  }
  return bucket;
}
