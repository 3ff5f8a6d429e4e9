import { describe, expect, test } from "vitest";
import { NOW_MS, aSaga, at, someSteps } from "./builders.ts";
import {
  ageWords,
  dueWords,
  problemRemedy,
  sagaMeaning,
  splitProblem,
  stepLook,
} from "./saga-words.ts";

const plain = (text: string | null): string => (text ?? "").replaceAll("\u00a0", " ");

test("a problem is a code and a sentence; without a code it stays whole", () => {
  expect(splitProblem("INTERNAL: no hand is free")).toEqual({
    code: "INTERNAL",
    detail: "No hand is free.",
  });
  expect(splitProblem("SAGA_GIVEN_UP: operator demo: a\nb")).toMatchObject({
    code: "SAGA_GIVEN_UP",
  });
  expect(splitProblem("INTERNAL: INTERNAL: it broke.").detail).toBe("It broke.");
  expect(splitProblem("it broke")).toEqual({ code: "UNKNOWN", detail: "it broke" });
});

test("an age is how long it has been under way, and how long it took once it is over", () => {
  expect(plain(ageWords(aSaga({ startedAt: at(-40_000) }), NOW_MS))).toBe("40 s");
  const over = aSaga({ state: "completed", startedAt: at(-40_000), updatedAt: at(-39_880) });
  expect(plain(ageWords(over, NOW_MS))).toBe("took 120 ms");
});

describe("when it goes on", () => {
  test.each([
    [aSaga({ dueAt: at(12_000) }), "in 12 s"],
    [aSaga({ dueAt: at(200) }), "in 1 s"],
    [aSaga({ dueAt: at(-5_000) }), "now"],
    [aSaga({ state: "waiting", dueAt: null }), "not by itself"],
    [aSaga({ state: "completed" }), ""],
  ])("%#", (saga, words) => {
    expect(plain(dueWords(saga, NOW_MS))).toBe(words);
  });
});

test("a failing step says how often it failed, and only before the pivot that its time may end", () => {
  const before = sagaMeaning(aSaga({ step: "hold", attempts: 3 }), someSteps());
  expect(before).toContain("failed 3 times");
  expect(before).toContain("until its time is over");
  const begun = someSteps({ move: { state: "running" } });
  expect(sagaMeaning(aSaga({ attempts: 1 }), begun)).toBe(
    "It is at the step \u201cmove\u201d, which failed 1 time so far. It is tried until it succeeds.",
  );
});

test("what to do names the pivot once it has begun, and giving up only before", () => {
  const begun = someSteps({ hold: { state: "done" }, move: { state: "running" } });
  expect(problemRemedy("north", aSaga(), begun)).toContain(
    "cannot be given up: \u201cmove\u201d has begun",
  );
  expect(problemRemedy("north", aSaga({ step: "hold" }), someSteps())).toContain(
    "can still be given up",
  );
  const undoing = aSaga({ state: "compensating", attempts: 4 });
  expect(problemRemedy("north", undoing, begun)).toContain("undo is tried until it succeeds");
});

test("a step that was begun is no longer being tried once its saga was given up", () => {
  expect(stepLook("running", false)).toMatchObject({ word: "running", tone: "tide" });
  expect(stepLook("running", true)).toMatchObject({ word: "may be done", tone: "warn" });
  expect(stepLook("no-undo", true).word).toBe("nothing to undo");
});
