import { LATENCY_BUCKETS_MS } from "@tideway/gateway";
import type { GatewayState } from "@tideway/gateway";
import { expect, test } from "vitest";
import { createMetricHistory, quantile } from "./metric-history.ts";

const latency = (bucket: number, count: number): number[] =>
  Array.from({ length: LATENCY_BUCKETS_MS.length + 1 }, (_, i) => (i === bucket ? count : 0));

function state(bootId: string, requests: number, bad: number): GatewayState {
  const counters = {
    revision: "shop-1",
    requests,
    bad,
    status2xx: requests - bad,
    status4xx: 0,
    status5xx: bad,
    timeouts: 0,
    lost: 0,
    inFlight: 0,
    latency: latency(5, requests),
    endpoints: [],
  };
  const services = [
    { service: "shop", queued: 0, people: { seen: requests, bad }, revisions: [counters] },
  ];
  return { bootId, epoch: 1, startedAtMs: 0, services };
}

test("points are differences, at most one a second", () => {
  const history = createMetricHistory();
  history.record(state("a", 100, 0), 1_000);
  history.record(state("a", 130, 3), 2_000);
  history.record(state("a", 140, 3), 2_500);
  history.record(state("a", 150, 3), 3_000);
  expect(history.points("shop", 60, 3_000).map((point) => point.requests)).toEqual([0, 30, 20]);
  expect(history.lane("shop", "shop-1", 60, 3_000)).toMatchObject({
    requests: 50,
    badRate: 3 / 50,
  });
  expect(history.badPeopleRate("shop", 60, 3_000)).toBe(6 / 380);
});

test("a restarted gateway counts from nothing, which is not a negative number", () => {
  const history = createMetricHistory();
  history.record(state("a", 100, 0), 1_000);
  history.record(state("b", 7, 1), 2_000);
  expect(history.points("shop", 60, 2_000).map((point) => point.requests)).toEqual([0, 7]);
});

test("without requests nothing is claimed", () => {
  const history = createMetricHistory();
  expect(history.lane("shop", "shop-1", 60, 1_000)).toMatchObject({ badRate: null, p99Ms: null });
  expect(history.badPeopleRate("shop", 60, 1_000)).toBeNull();
});

test("quantiles lie within their bucket, and old points are forgotten", () => {
  expect(quantile(latency(0, 10), 0.5)).toBeLessThanOrEqual(1);
  const value = quantile(latency(5, 10), 0.5) ?? 0;
  expect(value).toBeGreaterThan(7);
  expect(value).toBeLessThanOrEqual(10);
  const history = createMetricHistory();
  history.record(state("a", 1, 0), 1_000);
  history.record(state("a", 2, 0), 2_000_000);
  expect(history.points("shop", 10_000, 2_000_000)).toHaveLength(1);
});

test("a revision that left and came back counts from nothing, though the gateway is the same", () => {
  const history = createMetricHistory();
  history.record(state("a", 100, 0), 1_000);
  history.record({ ...state("a", 0, 0), services: [] }, 2_000);
  history.record(state("a", 5, 1), 3_000);
  // Left and back between two looks.
  history.record(state("a", 2, 0), 4_000);
  expect(history.points("shop", 60, 4_000).map(({ requests }) => requests)).toEqual([0, 5, 2]);
  expect(history.points("shop", 60, 4_000).map(({ bad }) => bad)).toEqual([0, 1, 0]);
});
