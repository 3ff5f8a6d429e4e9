/**
 * Goal: lines that do not lie. Buckets hold exact error rates, silence is a gap and not a zero,
 * and buckets of which only a part was measured are not drawn.
 */
import type { MetricPoint } from "@tideway/api-admin";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aloneAt, buildSeries, isEmptySeries, marksOf, windowOf } from "./chart-series.ts";
import type { SeriesOptions } from "./chart-series.ts";

const options: SeriesOptions = {
  metric: "errors",
  stable: "payments-7",
  candidate: "payments-8",
  bucketSeconds: 5,
  windowSeconds: 30,
  endSeconds: 1_032,
};

const point = (over: Partial<MetricPoint>): MetricPoint => ({
  at: 1_020,
  revision: "payments-7",
  requests: 10,
  bad: 0,
  p50Ms: 10,
  p99Ms: 40,
  ...over,
});

test("the axis has whole buckets without holes and ends before the running one", () => {
  expect(buildSeries([], options).times).toEqual([1_010, 1_015, 1_020, 1_025]);
  expect(buildSeries([], { ...options, endSeconds: 1_031 }).times.at(-1)).toBe(1_020);
});

test("a bucket's error rate is its bad requests over all of its requests", () => {
  const series = buildSeries(
    [point({ at: 1_020, requests: 90, bad: 0 }), point({ at: 1_024, requests: 10, bad: 1 })],
    options,
  );
  expect(series.stable).toEqual([null, null, 1, null]);
  expect(series.requests.stable).toEqual([0, 0, 100, 0]);
});

test("a second without requests is a gap, a measured zero is a zero", () => {
  const silent = point({ at: 1_015, requests: 0, p50Ms: null, p99Ms: null });
  const series = buildSeries([silent, point({ at: 1_020 })], options);
  expect(series.stable).toEqual([null, null, 0, null]);
});

test("latency shows the slowest second of a bucket", () => {
  const points = [point({ at: 1_020, p99Ms: 41 }), point({ at: 1_021, p99Ms: 97 })];
  expect(buildSeries(points, { ...options, metric: "latency" }).stable[2]).toBe(97);
});

test("traffic is requests a second", () => {
  const points = [point({ at: 1_020, requests: 20 }), point({ at: 1_021, requests: 30 })];
  expect(buildSeries(points, { ...options, metric: "traffic" }).stable[2]).toBe(10);
});

test("other revisions of the service are on neither line", () => {
  const series = buildSeries([point({ revision: "payments-6" })], options);
  expect(isEmptySeries(series)).toBe(true);
});

test("without a stable revision its line is empty", () => {
  const series = buildSeries([point({ revision: "payments-8" })], { ...options, stable: null });
  expect(series.stable).toEqual([null, null, null, null]);
  expect(isEmptySeries(series)).toBe(false);
});

test("no request is lost or counted twice between buckets", () => {
  const points = fc.array(
    fc.record({
      at: fc.integer({ min: 1_010, max: 1_029 }),
      requests: fc.integer({ min: 1, max: 1_000 }),
      isCandidate: fc.boolean(),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(points, (drawn) => {
      const given = drawn.map(({ at, requests, isCandidate }) =>
        point({ at, requests, revision: isCandidate ? "payments-8" : "payments-7" }),
      );
      const { requests } = buildSeries(given, options);
      const counted = [...requests.stable, ...requests.candidate].reduce((a, b) => a + b, 0);
      expect(counted).toBe(given.reduce((sum, { requests }) => sum + requests, 0));
    }),
  );
});

test("a rollout that ended some minutes ago is shown in the longer window", () => {
  const nowMs = Date.UTC(2026, 10, 20, 14);
  const ended = (agoMs: number) => ({ finishedAt: new Date(nowMs - agoMs).toISOString() });
  expect(windowOf({ finishedAt: null }, nowMs)).toBe(5);
  expect(windowOf(ended(60_000), nowMs)).toBe(5);
  expect(windowOf(ended(600_000), nowMs)).toBe(15);
});

test("a value between gaps, or at an edge beside one, stands alone", () => {
  expect(aloneAt([5, null, 5, 5, null, 0, null, 5])).toEqual([0, 5, 7]);
  expect(aloneAt([5, 5])).toEqual([]);
  expect(aloneAt([null])).toEqual([]);
});

describe("marks", () => {
  test("are numbered in order of time, however they come", () => {
    const decision = (at: string) => ({ at, kind: "step", text: at });
    const marks = marksOf([
      decision("2026-11-20T14:02:10.500Z"),
      decision("2026-11-20T14:01:40.000Z"),
    ]);
    expect(marks.map(({ number, text }) => [number, text])).toEqual([
      [1, "2026-11-20T14:01:40.000Z"],
      [2, "2026-11-20T14:02:10.500Z"],
    ]);
    expect(marks[1]?.atSeconds).toBe(Date.UTC(2026, 10, 20, 14, 2, 10) / 1_000 + 0.5);
  });
});
