/** What both directions of a saga need: changing a step's record, saving, and knowing the pivot. */
import { pivotIndexOf } from "./plan.ts";
import type { SagaState, StepRecord, Stepped } from "./state.ts";

export function patch(state: SagaState, at: number, change: Partial<StepRecord>): SagaState {
  const steps = state.steps.map((record, i) => (i === at ? { ...record, ...change } : record));
  return { ...state, steps };
}

export function save(state: SagaState, next: "go-on" | "try" | "release"): Stepped {
  return {
    state: { ...state, doing: { kind: "saving", next } },
    effects: [{ kind: "save", release: next === "release" }],
  };
}

/** True once the pivot was begun, by whomever, even if nobody heard of its answer. */
export function isPastPivot(state: Pick<SagaState, "plan" | "phase" | "at" | "steps">): boolean {
  const pivot = pivotIndexOf(state.plan);
  if (pivot < 0 || state.phase === "compensating" || state.phase === "compensated") return false;
  if (state.at !== pivot) return state.at > pivot;
  return state.steps[pivot]?.state === "running";
}
