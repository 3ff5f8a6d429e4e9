/** What a caller learns of a saga. */
import { isOver } from "./machine/saga.ts";
import type { Problem } from "./machine/plan.ts";
import type { Phase, SagaState } from "./machine/state.ts";

export interface SagaView {
  readonly saga: string;
  readonly name: string;
  readonly state: Phase;
  readonly isOver: boolean;
  /** False while somebody else carries it on, or when its last commit's answer was lost. */
  readonly isKnown: boolean;
  /** The last failure, while it is being tried. */
  readonly problem: Problem | null;
  /** Why it was compensated. */
  readonly reason: Problem | null;
  /** What its steps answered, by their names; only of those that are done. */
  readonly results: Readonly<Record<string, unknown>>;
}

export function viewOf(state: SagaState): SagaView {
  const results = state.steps.flatMap((record, i) => {
    const name = state.plan.steps[i]?.name;
    return name !== undefined && record.state === "done" ? [[name, record.result] as const] : [];
  });
  return {
    saga: state.saga,
    name: state.plan.name,
    state: state.phase,
    isOver: isOver(state),
    isKnown: true,
    problem: state.problem,
    reason: state.reason,
    results: Object.fromEntries(results),
  };
}
