/** Every saga is over; all its steps are confirmed, or all that took effect are undone in reverse. */
import { found } from "./violation.ts";
import type { Violation } from "./violation.ts";

export interface SagaHistory {
  readonly saga: string;
  readonly state: string;
  /** Effects and undos as they happened at those who carried them out, in their order. */
  readonly happened: readonly SagaAct[];
  /** Names of its steps that have an effect elsewhere, in their order. */
  readonly steps: readonly string[];
  /** The step after which there is no way back; null where there is none. */
  readonly pivot: string | null;
}

export interface SagaAct {
  readonly step: string;
  readonly act: "done" | "undone";
}

export function checkSagas(sagas: Iterable<SagaHistory>): Violation[] {
  const wrong: string[] = [];
  for (const history of sagas) {
    const problem = problemOf(history);
    if (problem !== null) wrong.push(`${history.saga}: ${problem}`);
  }
  return found("saga", wrong);
}

function problemOf(history: SagaHistory): string | null {
  const { state, happened, steps, pivot } = history;
  if (state !== "completed" && state !== "compensated") return `it is still ${state}`;
  const count = (step: string, act: SagaAct["act"]): number =>
    happened.filter((one) => one.step === step && one.act === act).length;
  const twice = steps.find((step) => count(step, "done") > 1 || count(step, "undone") > 1);
  if (twice !== undefined) return `${twice} took effect twice`;
  const undone = happened.filter(({ act }) => act === "undone").map(({ step }) => step);
  if (state === "completed") {
    const missing = steps.find((step) => count(step, "done") === 0);
    if (missing !== undefined) return `it is completed without ${missing}`;
    return undone.length > 0 ? `it is completed although ${undone.join(", ")} was undone` : null;
  }
  if (pivot !== null && count(pivot, "done") > 0) return `it was undone past its pivot ${pivot}`;
  const left = steps.find((step) => count(step, "done") > count(step, "undone"));
  if (left !== undefined) return `it is compensated and ${left} was not undone`;
  const done = happened.filter(({ act }) => act === "done").map(({ step }) => step);
  const reversed = done.filter((step) => undone.includes(step)).toReversed();
  const inOrder = undone.filter((step) => done.includes(step));
  return reversed.join() === inOrder.join() ? null : `undone in the order ${inOrder.join(", ")}`;
}
