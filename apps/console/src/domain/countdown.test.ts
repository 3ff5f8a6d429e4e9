import { expect, test } from "vitest";
import { NOW_MS, aRollout, at } from "./builders.ts";
import { countdownWords } from "./countdown.ts";

const words = (over: Parameters<typeof aRollout>[0], nowMs = NOW_MS): string =>
  countdownWords(aRollout(over), nowMs).replaceAll("\u00a0", " ");

test("counts down whole seconds, rounded up", () => {
  expect(words({ nextLookAt: at(12_000) })).toBe("next look in 12 s");
  expect(words({ nextLookAt: at(11_001) })).toBe("next look in 12 s");
  expect(words({ nextLookAt: at(1) })).toBe("next look in 1 s");
});

test("never counts below zero", () => {
  expect(words({ nextLookAt: at(0) })).toBe("looking now");
  expect(words({ nextLookAt: at(-5_000) })).toBe("looking now");
});

test("says why no clock is running", () => {
  expect(words({ state: "paused" })).toBe("clock stopped");
  expect(words({ state: "inconclusive" })).toBe("waits for you");
  expect(words({ state: "starting" })).toBe("no look before it is ready");
  expect(words({ nextLookAt: null })).toBe("next look not set");
});

test("a rollout that is over tells how long it took", () => {
  const ended = { startedAt: at(-110_000), finishedAt: at(-50_000) };
  expect(words({ state: "promoted", ...ended })).toBe("took 60 s");
});
