/**
 * Paired lines of the stable and the candidate revision from per-second points.
 *
 * Seconds are put together into buckets on one time axis. A bucket without a request has no value:
 * the line has a gap there instead of lying at 0. Error rates of a bucket are exact (bad over
 * requests); percentiles cannot be added up, so a bucket shows its slowest second.
 */
import type { MetricPoint } from "@tideway/api-admin";
import { unreachable } from "@tideway/kernel";

export type Metric = "errors" | "latency" | "traffic";
export type LaneName = "stable" | "candidate";

export interface SeriesOptions {
  readonly metric: Metric;
  readonly stable: string | null;
  readonly candidate: string | null;
  readonly bucketSeconds: number;
  /** How much of the past the axis shows, and where it ends (seconds since 1970). */
  readonly windowSeconds: number;
  readonly endSeconds: number;
}

export interface ChartSeries {
  /** Starts of the buckets, seconds since 1970, without holes. */
  readonly times: number[];
  /** Percent for errors, milliseconds for latency, requests per second for traffic. */
  readonly stable: (number | null)[];
  readonly candidate: (number | null)[];
  /** Requests in each bucket, so that a reader can weigh a value. */
  readonly requests: { readonly stable: number[]; readonly candidate: number[] };
}

interface Bucket {
  requests: number;
  bad: number;
  p99Ms: number | null;
}

export function buildSeries(points: readonly MetricPoint[], options: SeriesOptions): ChartSeries {
  const times = bucketTimes(options);
  const stable = lane(points, options.stable, times, options);
  const candidate = lane(points, options.candidate, times, options);
  return {
    times,
    stable: stable.values,
    candidate: candidate.values,
    requests: { stable: stable.requests, candidate: candidate.requests },
  };
}

/** Minutes to show: five, unless the rollout ended so long ago that they would miss its end. */
export function windowOf(rollout: { readonly finishedAt: string | null }, nowMs: number): 5 | 15 {
  const endedMs = rollout.finishedAt === null ? nowMs : Date.parse(rollout.finishedAt);
  return nowMs - endedMs > 180_000 ? 15 : 5;
}

/** True when no bucket of either line has a value. */
export function isEmptySeries(series: ChartSeries): boolean {
  return [...series.stable, ...series.candidate].every((value) => value === null);
}

/** Indices of values without a neighbour: a line has nothing to draw there, so they need a dot. */
export function aloneAt(values: readonly (number | null | undefined)[]): number[] {
  const isMissing = (index: number): boolean => (values[index] ?? null) === null;
  return values.flatMap((_, index) =>
    !isMissing(index) && isMissing(index - 1) && isMissing(index + 1) ? [index] : [],
  );
}

/** A second is counted this long after it ended; younger ones would look like a dip. */
const SETTLE_SECONDS = 2;

/**
 * Whole buckets only: the last one is left out while its seconds still run, and the first one,
 * of which the window may hold only a part.
 */
function bucketTimes(options: SeriesOptions): number[] {
  const { bucketSeconds, windowSeconds, endSeconds } = options;
  const end = Math.floor((endSeconds - SETTLE_SECONDS) / bucketSeconds) * bucketSeconds;
  const buckets = Math.floor((windowSeconds - SETTLE_SECONDS) / bucketSeconds) - 1;
  return Array.from({ length: buckets }, (_, index) => end - (buckets - index) * bucketSeconds);
}

function lane(
  points: readonly MetricPoint[],
  revision: string | null,
  times: readonly number[],
  options: SeriesOptions,
): { values: (number | null)[]; requests: number[] } {
  const buckets = new Map<number, Bucket>();
  for (const point of points) {
    if (point.revision === revision) put(buckets, point, options.bucketSeconds);
  }
  return {
    values: times.map((time) => valueOf(buckets.get(time), options)),
    requests: times.map((time) => buckets.get(time)?.requests ?? 0),
  };
}

function put(buckets: Map<number, Bucket>, point: MetricPoint, bucketSeconds: number): void {
  const start = Math.floor(point.at / bucketSeconds) * bucketSeconds;
  const bucket = buckets.get(start) ?? { requests: 0, bad: 0, p99Ms: null };
  bucket.requests += point.requests;
  bucket.bad += point.bad;
  if (point.p99Ms !== null) bucket.p99Ms = Math.max(bucket.p99Ms ?? 0, point.p99Ms);
  buckets.set(start, bucket);
}

function valueOf(bucket: Bucket | undefined, options: SeriesOptions): number | null {
  if (bucket === undefined || bucket.requests === 0) return null;
  switch (options.metric) {
    case "errors":
      return (bucket.bad / bucket.requests) * 100;
    case "latency":
      return bucket.p99Ms;
    case "traffic":
      return bucket.requests / options.bucketSeconds;
    default:
      return unreachable(options.metric);
  }
}

export interface Mark {
  /** As in the log of decisions, so that a mark can be looked up there. */
  readonly number: number;
  readonly atSeconds: number;
  readonly kind: string;
  readonly text: string;
}

interface Decided {
  readonly at: string;
  readonly kind: string;
  readonly text: string;
}

/** Numbers the decisions in order of time; the chart draws those that its axis shows. */
export function marksOf(decisions: readonly Decided[]): Mark[] {
  return decisions
    .map((decision) => ({ ...decision, atSeconds: Date.parse(decision.at) / 1_000 }))
    .sort((a, b) => a.atSeconds - b.atSeconds)
    .map(({ atSeconds, kind, text }, index) => ({ number: index + 1, atSeconds, kind, text }));
}
