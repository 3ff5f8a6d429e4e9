/**
 * The way back: the undo of every step that is done, or that may have happened, last one first.
 * It never ends before all are undone; an undo that fails is tried again for ever.
 */
import { invariant } from "@tideway/kernel";
import { patch, save } from "./parts.ts";
import type { Outcome, Problem } from "./plan.ts";
import { pivotIndexOf } from "./plan.ts";
import type { SagaState, Stepped } from "./state.ts";

/** Decides to go back. Saved before the first undo, or a successor might still go forward. */
export function compensate(state: SagaState, reason: Problem): Stepped {
  const pivot = pivotIndexOf(state.plan);
  invariant(
    pivot < 0 || state.steps.every((record, i) => i < pivot || record.state !== "done"),
    "Nothing is undone once the pivot happened.",
  );
  const phase = "compensating" as const;
  return save(
    { ...state, phase, reason, problem: reason, attempts: 0, attention: false, dueAtMs: null },
    "go-on",
  );
}

/** Undoes the last step that is not undone yet; with none left the saga is compensated. */
export function undoNext(state: SagaState): Stepped {
  let now = state;
  for (let at = Math.min(state.at, state.steps.length - 1); at >= 0; at--) {
    const record = now.steps[at];
    if (record === undefined || (record.state !== "done" && record.state !== "running")) continue;
    const [first] = record.undo;
    if (first === undefined) {
      now = patch(now, at, { state: "no-undo", uncertain: false });
      continue;
    }
    const attempts = at === now.at ? now.attempts : 0;
    const trying: SagaState = { ...now, at, attempts, doing: { kind: "trying" } };
    if (first.method === "TX") {
      return { state: { ...trying, before: now }, effects: [{ kind: "undo-tx", step: at }] };
    }
    return { state: trying, effects: [{ kind: "undo", step: at, requests: record.undo }] };
  }
  return save({ ...now, phase: "compensated", dueAtMs: null, attention: false }, "release");
}

export function undoAnswered(
  state: SagaState,
  outcome: Outcome,
  failTry: (problem: Problem) => Stepped,
): Stepped {
  if (outcome.kind !== "done") return failTry(outcome.problem);
  const undone = patch(state, state.at, { state: "undone", uncertain: false, problem: null });
  return save({ ...undone, attempts: 0, attention: false, problem: state.reason }, "go-on");
}
