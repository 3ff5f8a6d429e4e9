import { array, assert, nat, property } from "fast-check";
import { expect, test } from "vitest";
import { DELAY_MS_MAX, UNLOADED, afterWindow } from "./load-shedding.ts";
import type { LoadState } from "./load-shedding.ts";
import { PRIORITIES } from "./priority.ts";

const after = (delays: readonly number[], from: LoadState = UNLOADED): LoadState =>
  delays.reduce(afterWindow, from);
const times = (count: number, delayMs: number): number[] =>
  Array.from({ length: count }, () => delayMs);

test("one slow window, as of a garbage collection, sheds nothing", () => {
  expect(after([5_000, 0, 5_000, 0])).toEqual(UNLOADED);
});

test("what stays slow is shed more and more, and at last altogether", () => {
  const two = after(times(2, DELAY_MS_MAX.batch + 1));
  expect(two.batch.share).toBeLessThan(1);
  expect(two.read.share).toBe(1);
  expect(after(times(20, DELAY_MS_MAX.batch + 1)).batch.share).toBe(0);
});

test("between half the limit and the limit nothing changes, below it all comes back", () => {
  const loaded = after(times(4, 150));
  const { share } = loaded.batch;
  expect(after(times(50, DELAY_MS_MAX.batch * 0.75), loaded).batch.share).toBe(share);
  expect(after(times(1, 10), loaded).batch.share).toBeGreaterThan(share);
  expect(after(times(11, 10), after(times(30, 5_000)))).toEqual(UNLOADED);
});

test("under any load, no class is let in less than one that counts for less", () => {
  assert(
    property(array(nat(2_000), { maxLength: 100 }), (delays) => {
      const load = after(delays);
      const shares = PRIORITIES.map((priority) => load[priority].share);
      expect(shares).toEqual(shares.toSorted((a, b) => a - b));
      expect(load.settle.share).toBe(1);
    }),
  );
});
