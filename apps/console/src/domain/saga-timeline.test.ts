import { describe, expect, test } from "vitest";
import { NOW_MS, aSaga, aStep, at, someSteps } from "./builders.ts";
import {
  isPastPivot,
  lineWords,
  pivotIndexOf,
  stepMs,
  stepTries,
  undoWords,
  wayBackOf,
} from "./saga-timeline.ts";

describe("the line of no return", () => {
  test("is the pivot, or else the first confirmation, or nowhere", () => {
    expect(pivotIndexOf(someSteps())).toBe(1);
    expect(pivotIndexOf([aStep(), aStep({ kind: "confirm" }), aStep({ kind: "confirm" })])).toBe(1);
    expect(pivotIndexOf([aStep(), aStep({ kind: "tx" })])).toBe(-1);
    expect(isPastPivot(aSaga({ step: "hold" }), [aStep()])).toBe(false);
  });

  test("is passed once the pivot was begun, not when it comes next", () => {
    const done = { hold: { state: "done" } } as const;
    expect(isPastPivot(aSaga({ step: "hold" }), someSteps())).toBe(false);
    expect(isPastPivot(aSaga(), someSteps(done))).toBe(false);
    expect(isPastPivot(aSaga(), someSteps({ ...done, move: { state: "running" } }))).toBe(true);
    expect(isPastPivot(aSaga({ step: "confirm" }), someSteps(done))).toBe(true);
  });

  test("says whether it was passed, may be, or never will", () => {
    const begun = someSteps({ move: { state: "running" } });
    expect(lineWords(aSaga({ step: "hold" }), someSteps())).toBe(
      "No way back once \u201cmove\u201d has begun",
    );
    expect(lineWords(aSaga(), begun)).toBe("No way back any more");
    expect(lineWords(aSaga({ state: "compensated" }), someSteps())).toContain("never reached");
  });
});

describe("the way back", () => {
  const steps = [
    aStep({ step: "claim", kind: "tx", state: "done" }),
    aStep({ step: "wait", kind: "timer", state: "no-undo" }),
    aStep({ step: "hold", state: "running" }),
    aStep({ step: "book", state: "undone" }),
    aStep({ step: "move", kind: "pivot", state: "failed" }),
  ];

  test("goes over what was done or may have been, the last step first", () => {
    const back = wayBackOf(aSaga({ state: "compensating", step: "hold" }), steps);
    expect(back.map(({ step, state }) => [step.step, state])).toEqual([
      ["book", "undone"],
      ["hold", "undoing"],
      ["wait", "nothing"],
      ["claim", "ahead"],
    ]);
  });

  test("is not there for a saga on its way", () => {
    expect(wayBackOf(aSaga(), steps)).toEqual([]);
  });
});

test("an undo is told as it is kept, with the saga's own service by its name", () => {
  const undo = { service: "self", method: "TX", path: "/claim" };
  expect(undoWords("payments", undo)).toBe("TX payments /claim");
  expect(undoWords("payments", { ...undo, service: "ledger", method: "POST" })).toBe(
    "POST ledger /claim",
  );
  expect(undoWords("payments", null)).toBeNull();
});

test("a step's tries count the one that succeeded", () => {
  expect(stepTries({ attempts: 2, state: "done" })).toBe(3);
  expect(stepTries({ attempts: 2, state: "running" })).toBe(2);
});

test("a step takes from its beginning to its end, or until now", () => {
  const begun = aStep({ state: "running", startedAt: at(-3_000) });
  expect(stepMs(begun, NOW_MS)).toBe(3_000);
  expect(stepMs({ ...begun, state: "done", finishedAt: at(-2_960) }, NOW_MS)).toBe(40);
  expect(stepMs(aStep(), NOW_MS)).toBeNull();
  expect(stepMs({ ...begun, state: "undone" }, NOW_MS)).toBeNull();
});
