import { expect, test } from "vitest";
import { skewOf } from "./server-clock.ts";

test("a clock inside the time of the call is no skew", () => {
  expect(skewOf({ serverMs: 1_500, sentMs: 1_000, receivedMs: 2_000 })).toBe(0);
  expect(skewOf({ serverMs: 3_900, sentMs: 1_000, receivedMs: 2_000 })).toBe(0);
});

test("a browser that is late or early by minutes is corrected", () => {
  const minute = 60_000;
  const call = { sentMs: 10 * minute, receivedMs: 10 * minute + 40 };
  expect(skewOf({ ...call, serverMs: 15 * minute })).toBe(5 * minute - 40);
  expect(skewOf({ ...call, serverMs: 5 * minute })).toBe(-5 * minute);
});
