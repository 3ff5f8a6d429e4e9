/** What an operator may do with a saga, what it changes, and how to undo it. */
import type { ListedSaga, SagaDetail } from "@tideway/api-admin";
import { unreachable } from "@tideway/kernel";
import type { Confirmation } from "./actions.ts";
import { counted, quoted } from "./format.ts";
import { isPastPivot, pivotIndexOf, undoWords } from "./saga-timeline.ts";
import { dueWords, isOver, sagaName } from "./saga-words.ts";

export type SagaAct = "retry" | "compensate";

export interface SagaActView {
  readonly name: SagaAct;
  readonly label: string;
  /** Why it cannot be done now; null when it can. */
  readonly refusal: string | null;
}

export function sagaActs(detail: SagaDetail): SagaActView[] {
  return [
    { name: "retry", label: "Try again now", refusal: retryRefusal(detail) },
    { name: "compensate", label: "Give up and undo", refusal: giveUpRefusal(detail) },
  ];
}

function retryRefusal({ saga }: SagaDetail): string | null {
  return isOver(saga) ? `This saga is ${saga.state}; there is nothing left to try.` : null;
}

function giveUpRefusal({ saga, steps }: SagaDetail): string | null {
  if (isOver(saga)) return `This saga is ${saga.state}; there is nothing left to give up.`;
  if (saga.state === "compensating") return "It was given up already and is being undone.";
  if (!isPastPivot(saga, steps)) return null;
  const pivot = steps[pivotIndexOf(steps)]?.step ?? "";
  return `The step ${quoted(pivot)} has begun, and behind it there is no way back. The saga can only be completed.`;
}

/** The words of the question that is asked before anything is done. */
export function sagaConfirmation(act: SagaAct, detail: SagaDetail, nowMs: number): Confirmation {
  const { saga, service } = detail;
  switch (act) {
    case "retry": {
      const due = dueWords(saga, nowMs);
      const instead = due === null || !due.startsWith("in ") ? "" : `, instead of ${due}`;
      const what = saga.state === "compensating" ? "The undo of the step" : "The step";
      return {
        title: `Try ${sagaName(saga)} again now?`,
        changes: `${what} ${quoted(saga.step)} is tried at once${instead}. It is sent under the same key as before, so what happened already does not happen twice.`,
        undo: "Nothing needs undoing: it would have been tried anyway.",
        confirmLabel: "Try again now",
        isDestructive: false,
        asksReason: false,
      };
    }
    case "compensate":
      return {
        title: `Give up ${sagaName(saga)} and undo it?`,
        changes: `No further step of it is taken. ${undoneWords(detail)}`,
        undo: `There is none: what is undone stays undone. What it was about must be asked of ${service} anew.`,
        confirmLabel: "Give up and undo",
        isDestructive: true,
      };
    default:
      return unreachable(act);
  }
}

function undoneWords({ service, steps }: SagaDetail): string {
  const undone = steps
    .filter(({ state, undo }) => undo !== null && (state === "done" || state === "running"))
    .toReversed();
  if (undone.length === 0) return "No step of it needs undoing.";
  const [first] = undone;
  if (undone.length === 1 && first !== undefined) {
    return `The step ${quoted(first.step)} is undone: ${undoWords(service, first.undo) ?? ""}.`;
  }
  const names = undone.map(({ step }) => quoted(step)).join(", then ");
  return `${counted(undone.length, "step is", "steps are")} undone, the last one first: ${names}.`;
}

/** What is said once the service answered: the state that resulted, not the one that was wished. */
export function sagaResult(act: SagaAct, after: ListedSaga): string {
  switch (act) {
    case "retry":
      return isOver(after)
        ? `It is ${after.state} already.`
        : `Due now: the step ${quoted(after.step)} is tried again.`;
    case "compensate":
      return after.state === "compensated"
        ? "Given up. What was done is undone."
        : "Given up. What was done is being undone, the last step first.";
    default:
      return unreachable(act);
  }
}
