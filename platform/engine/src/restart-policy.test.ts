import { expect, test } from "vitest";
import { restartWaitMs } from "./restart-policy.ts";

const policy = { restartDelayMs: 200, maxRestartDelayMs: 10_000 };
const attempts = [0, 1, 2, 3, 4, 5, 6, 7, 8, 1_000];

test("the first restart is immediate, later ones double up to the longest delay", () => {
  const longest = attempts.map((n) => restartWaitMs(n, { ...policy, random: () => 1 }));
  expect(longest).toEqual([0, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000]);
});

test("chance takes away half of the delay at most", () => {
  const shortest = attempts.map((n) => restartWaitMs(n, { ...policy, random: () => 0 }));
  expect(shortest).toEqual([0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
});
