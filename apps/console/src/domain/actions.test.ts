import { describe, expect, test } from "vitest";
import {
  actionViews,
  confirmationOf,
  nextWeight,
  resultWords,
  rollbackConfirmation,
} from "./actions.ts";
import { aRollout } from "./builders.ts";

describe("the buttons", () => {
  test("are those that control allows", () => {
    const views = actionViews(aRollout({ actions: ["pause", "abort"] }));
    expect(views.map(({ name, refusal }) => [name, refusal === null])).toEqual([
      ["pause", true],
      ["promote", false],
      ["abort", true],
    ]);
  });

  test("Resume stands in the place of Pause while the clock stands still", () => {
    const views = actionViews(aRollout({ state: "paused", actions: ["resume", "abort"] }));
    expect(views.map(({ name }) => name)).toEqual(["resume", "promote", "abort"]);
  });

  test("each refusal has a reason", () => {
    for (const state of ["starting", "inconclusive", "promoted", "withdrawn"] as const) {
      for (const { refusal } of actionViews(aRollout({ state, actions: [] }))) {
        expect(refusal).toMatch(/^.{20,}\.$/);
      }
    }
    const over = actionViews(aRollout({ state: "promoted", actions: [] }));
    expect(over[0]?.refusal).toContain("promoted");
  });
});

describe("the question before an act", () => {
  test("names both revisions and the way back", () => {
    const { changes, undo, isDestructive } = confirmationOf("abort", aRollout());
    expect(changes).toContain("payments-7");
    expect(changes).toContain("payments-8");
    expect(undo).toContain("npx tideway deploy payments");
    expect(isDestructive).toBe(true);
  });

  test("a promotion goes to the next weight, from the last step to 100 %", () => {
    expect(nextWeight(aRollout({ step: 0 }))).toBe(25);
    expect(nextWeight(aRollout({ step: 2 }))).toBe(100);
    const next = confirmationOf("promote", aRollout());
    expect(next.confirmLabel.replaceAll("\u00a0", " ")).toBe("Promote to 50 %");
    expect(next.undo).toContain("Abort");
  });

  test("a full promotion can no longer be aborted, so it tells of the rollback", () => {
    const full = confirmationOf("promote", aRollout(), { isFull: true });
    expect(full.confirmLabel.replaceAll("\u00a0", " ")).toBe("Promote to 100 %");
    expect(full.undo).toContain("Roll back");
  });

  test("a rollback names the revision it leaves and how to return to it", () => {
    const words = rollbackConfirmation("payments", "payments-6", "payments-7");
    expect(words.changes).toContain("from payments-7 to payments-6");
    expect(words.undo).toContain("payments-7");
  });
});

test("the result tells what control answered, not what was asked for", () => {
  const gone = aRollout({ state: "promoted", weight: 100 });
  expect(resultWords("promote", gone)).toBe("Promoted. payments-8 has all of the traffic.");
  const next = aRollout({ step: 2, weight: 50 });
  expect(resultWords("promote", next).replaceAll("\u00a0", " ")).toContain("50 % of people");
});
