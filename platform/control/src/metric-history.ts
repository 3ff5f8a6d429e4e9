/**
 * The last fifteen minutes, one point a second and revision, from the differences of the gateway's
 * counters. Kept in memory: a new control begins with an empty chart, never with a wrong one.
 */
import { LATENCY_BUCKETS_MS } from "@tideway/gateway";
import type { GatewayState, RevisionCounters } from "@tideway/gateway";

export interface Point {
  /** Seconds since 1970. */
  readonly at: number;
  readonly revision: string;
  readonly requests: number;
  readonly bad: number;
  /** One count a bucket, as the gateway has them. */
  readonly latency: readonly number[];
}

export interface Lane {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly badRate: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface MetricHistory {
  /** Takes the gateway's state, at most one point a second. */
  record(state: GatewayState, nowMs: number): void;
  points(service: string, seconds: number, nowMs: number): Point[];
  /** A revision's numbers over the last `seconds`. */
  lane(service: string, revision: string, seconds: number, nowMs: number): Lane;
  /** The mean share of bad people in 10 s over the last `seconds`; null without anybody. */
  badPeopleRate(service: string, seconds: number, nowMs: number): number | null;
}

/** Distinct people of the 10 s before a second. */
interface PeopleAt {
  readonly at: number;
  readonly seen: number;
  readonly bad: number;
}

const SECONDS_KEPT = 900;

export function createMetricHistory(): MetricHistory {
  const points = new Map<string, Point[]>();
  const people = new Map<string, PeopleAt[]>();
  const last = new Map<string, RevisionCounters>();
  let bootId = "";
  let lastSecond = 0;

  const within = (service: string, seconds: number, nowMs: number): Point[] =>
    (points.get(service) ?? []).filter((point) => point.at > nowMs / 1_000 - seconds);

  return {
    record: (state, nowMs) => {
      const second = Math.floor(nowMs / 1_000);
      if (second === lastSecond) return;
      lastSecond = second;
      if (state.bootId !== bootId) last.clear();
      const isFirst = state.bootId !== bootId && bootId === "";
      bootId = state.bootId;
      for (const service of state.services) {
        const kept = (points.get(service.service) ?? []).filter(
          ({ at }) => at > second - SECONDS_KEPT,
        );
        for (const counters of service.revisions) {
          // Before the first look there is no telling in which second the old counts belong.
          const known = last.get(counters.revision) ?? (isFirst ? counters : null);
          // A revision that left the configuration and came back counts from 0 again.
          const before = known !== null && known.requests > counters.requests ? null : known;
          kept.push(difference(counters, before, second));
          last.set(counters.revision, counters);
        }
        points.set(service.service, kept);
        const met = (people.get(service.service) ?? []).filter(
          ({ at }) => at > second - SECONDS_KEPT,
        );
        people.set(service.service, [...met, { at: second, ...service.people }]);
      }
      forgetAllBut(state, last);
    },
    points: within,
    lane: (service, revision, seconds, nowMs) => {
      const own = within(service, seconds, nowMs).filter((point) => point.revision === revision);
      return summarise(own, seconds);
    },
    badPeopleRate: (service, seconds, nowMs) => {
      const met = (people.get(service) ?? []).filter(({ at }) => at > nowMs / 1_000 - seconds);
      const seen = met.reduce((sum, sample) => sum + sample.seen, 0);
      const bad = met.reduce((sum, sample) => sum + sample.bad, 0);
      return seen === 0 ? null : bad / seen;
    },
  };
}

/** What left the configuration begins anew when it comes back. */
function forgetAllBut(state: GatewayState, last: Map<string, RevisionCounters>): void {
  const present = new Set(
    state.services.flatMap(({ revisions }) => revisions.map(({ revision }) => revision)),
  );
  for (const revision of last.keys()) if (!present.has(revision)) last.delete(revision);
}

function difference(now: RevisionCounters, before: RevisionCounters | null, at: number): Point {
  return {
    at,
    revision: now.revision,
    requests: now.requests - (before?.requests ?? 0),
    bad: now.bad - (before?.bad ?? 0),
    latency: now.latency.map((count, i) => count - (before?.latency[i] ?? 0)),
  };
}

function summarise(points: readonly Point[], seconds: number): Lane {
  const requests = points.reduce((sum, point) => sum + point.requests, 0);
  const bad = points.reduce((sum, point) => sum + point.bad, 0);
  const latency = LATENCY_BUCKETS_MS.map((_, i) =>
    points.reduce((sum, point) => sum + (point.latency[i] ?? 0), 0),
  );
  const overflow = points.reduce((sum, point) => sum + (point.latency.at(-1) ?? 0), 0);
  const all = [...latency, overflow];
  return {
    requests,
    requestsPerSecond: Math.round((requests / seconds) * 10) / 10,
    badRate: requests === 0 ? null : bad / requests,
    p50Ms: quantile(all, 0.5),
    p99Ms: quantile(all, 0.99),
  };
}

/** A quantile from bucket counts, interpolated within its bucket; null without any. */
export function quantile(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = share * total;
  let below = 0;
  for (const [i, count] of counts.entries()) {
    if (below + count >= rank && count > 0) {
      const low = i === 0 ? 0 : (LATENCY_BUCKETS_MS[i - 1] ?? 0);
      const high = LATENCY_BUCKETS_MS[i] ?? low * 2;
      return Math.round((low + ((rank - below) / count) * (high - low)) * 10) / 10;
    }
    below += count;
  }
  return LATENCY_BUCKETS_MS.at(-1) ?? null;
}
