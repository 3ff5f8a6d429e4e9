import { property, assert, integer, record } from "fast-check";
import { expect, test } from "vitest";
import { wantedInstances } from "./wanted-instances.ts";

const IDLE = { weight: 0, inFlight: 0, queued: 0, idleMs: 3_600_000 };
const manifest = (instancesMin: number, instancesMax: number) => ({
  scaling: { instancesMin, instancesMax, concurrencyTarget: 50, idleSeconds: 60 },
});

test("the larger of the manifest's and the rollout's minimum is wanted", () => {
  const loose = { min: 0, max: 8 };
  expect(wantedInstances({ manifest: manifest(2, 8), bounds: loose, observed: IDLE })).toBe(2);
  const tight = { min: 3, max: 8 };
  expect(wantedInstances({ manifest: manifest(2, 8), bounds: tight, observed: IDLE })).toBe(3);
});

test("a revision that people are sent to has one instance at least, unless it may sleep", () => {
  const people = { ...IDLE, weight: 0.1 };
  const bounds = { min: 0, max: 8 };
  expect(wantedInstances({ manifest: manifest(1, 8), bounds, observed: people })).toBe(1);
  // Even when the bounds forbid it.
  const none = { manifest: manifest(1, 8), bounds: { min: 0, max: 0 } };
  expect(wantedInstances({ ...none, observed: people })).toBe(1);
  expect(wantedInstances({ manifest: manifest(0, 8), bounds, observed: people })).toBe(0);
});

test("one that may sleep is awake while something is asked of it, and 60 s after", () => {
  const sleepy = { manifest: manifest(0, 8), bounds: { min: 0, max: 8 } };
  const people = { ...IDLE, weight: 100 };
  const ask = (change: Partial<typeof IDLE>): number =>
    wantedInstances({ ...sleepy, observed: { ...people, ...change } });
  expect(ask({ queued: 1 })).toBe(1);
  expect(ask({ inFlight: 1 })).toBe(1);
  expect(ask({ idleMs: 59_999 })).toBe(1);
  expect(ask({ idleMs: 60_000 })).toBe(0);
  // A rollout keeps it awake.
  const rollout = { ...sleepy, bounds: { min: 1, max: 8 } };
  expect(wantedInstances({ ...rollout, observed: people })).toBe(1);
  // Without people it is not wanted, however lately something was asked of it.
  expect(ask({ weight: 0, idleMs: 0 })).toBe(0);
});

test("never more than the manifest's maximum, nor than the rollout's", () => {
  const greedy = { min: 20, max: 30 };
  expect(wantedInstances({ manifest: manifest(1, 8), bounds: greedy, observed: IDLE })).toBe(8);
  const withdrawn = { min: 0, max: 0 };
  expect(wantedInstances({ manifest: manifest(4, 8), bounds: withdrawn, observed: IDLE })).toBe(0);
});

test("whatever the input: whole, within the maxima, awake when asked, never falling with a bound", () => {
  const count = integer({ min: 0, max: 64 });
  const input = record({ low: count, high: integer({ min: 1, max: 64 }), min: count, max: count });
  assert(
    property(input, integer({ min: 0, max: 100 }), ({ low, high, min, max }, weight) => {
      const observed = { ...IDLE, weight, queued: 1 };
      const ask = (from: number): number =>
        wantedInstances({ manifest: manifest(low, high), bounds: { min: from, max }, observed });
      const wanted = ask(min);
      expect(Number.isInteger(wanted)).toBe(true);
      expect(wanted).toBeGreaterThanOrEqual(weight > 0 ? 1 : 0);
      expect(wanted).toBeLessThanOrEqual(Math.max(Math.min(high, max), weight > 0 ? 1 : 0));
      expect(ask(min + 1)).toBeGreaterThanOrEqual(wanted);
    }),
  );
});
