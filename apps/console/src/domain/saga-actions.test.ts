import { describe, expect, test } from "vitest";
import { NOW_MS, aSaga, aStep, at, someSteps } from "./builders.ts";
import { sagaActs, sagaConfirmation, sagaResult } from "./saga-actions.ts";

const detailOf = (saga = aSaga(), steps = someSteps()) => ({ service: "north", saga, steps });
const refusals = (detail: ReturnType<typeof detailOf>) =>
  Object.fromEntries(sagaActs(detail).map(({ name, refusal }) => [name, refusal]));

describe("the buttons", () => {
  test("both are there while the pivot has not begun", () => {
    expect(refusals(detailOf(aSaga({ step: "hold" })))).toEqual({ retry: null, compensate: null });
  });

  test("behind the pivot it may be tried again and no longer given up", () => {
    const off = refusals(detailOf(aSaga(), someSteps({ move: { state: "running" } })));
    expect(off["retry"]).toBeNull();
    expect(off["compensate"]).toContain("The step \u201cmove\u201d has begun");
  });

  test("one that is being undone is not given up twice, and one that is over not at all", () => {
    const undoing = refusals(detailOf(aSaga({ state: "compensating", step: "hold" })));
    expect(undoing).toMatchObject({ retry: null });
    expect(undoing["compensate"]).toContain("given up already");
    for (const state of ["completed", "compensated"] as const) {
      const over = refusals(detailOf(aSaga({ state })));
      expect(over["retry"]).toContain(state);
      expect(over["compensate"]).toContain(state);
    }
  });
});

describe("the question", () => {
  test("before a try says what it comes instead of, and asks for no reason", () => {
    const saga = aSaga({ dueAt: at(12_000) });
    const words = sagaConfirmation("retry", detailOf(saga), NOW_MS);
    expect(words.changes.replaceAll("\u00a0", " ")).toContain("at once, instead of in 12 s");
    expect(words).toMatchObject({ asksReason: false, isDestructive: false });
    const due = sagaConfirmation("retry", detailOf(aSaga({ dueAt: at(-1) })), NOW_MS);
    expect(due.changes).toContain("is tried at once. It is sent");
  });

  test("before giving up names each step that is undone, the last one first", () => {
    const undo = { service: "east", method: "POST", path: "/steps/undo" };
    const steps = [
      aStep({ step: "claim", state: "done", undo }),
      aStep({ step: "wait", kind: "timer", state: "done" }),
      aStep({ step: "hold", state: "running", undo }),
      aStep({ step: "move", kind: "pivot" }),
    ];
    const { changes, isDestructive } = sagaConfirmation(
      "compensate",
      detailOf(aSaga({ step: "hold" }), steps),
      NOW_MS,
    );
    expect(changes).toContain(
      "2 steps are undone, the last one first: \u201chold\u201d, then \u201cclaim\u201d.",
    );
    expect(isDestructive).toBe(true);
    const none = sagaConfirmation("compensate", detailOf(aSaga({ step: "hold" })), NOW_MS);
    expect(none.changes).toContain("No step of it needs undoing.");
  });
});

test("the result tells what the service answered", () => {
  expect(sagaResult("retry", aSaga())).toContain("\u201cmove\u201d is tried again");
  expect(sagaResult("retry", aSaga({ state: "completed" }))).toBe("It is completed already.");
  expect(sagaResult("compensate", aSaga({ state: "compensating" }))).toContain("being undone");
});
