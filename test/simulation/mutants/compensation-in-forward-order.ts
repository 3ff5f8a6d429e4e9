/** The steps are undone in the order in which they were done. */
import { stepSaga } from "@tideway/saga";
import type { SagaEffect, SagaState, Stepped } from "@tideway/saga";
import { sagaMutant } from "./mutant.ts";

export const compensationInForwardOrder = sagaMutant("compensation in forward order", {
  stepSaga: (state, input): Stepped => {
    const step = stepSaga(state, input);
    const [effect] = step.effects;
    return effect?.kind === "undo" ? { ...step, effects: [mirrored(step.state, effect)] } : step;
  },
});

type Undo = Extract<SagaEffect, { kind: "undo" }>;

/** The last but n-th of the requests to undo instead of the n-th last. */
function mirrored(state: SagaState, effect: Undo): SagaEffect {
  const undoable = state.steps.flatMap((record, index) => {
    const isToUndo = ["done", "running", "undone"].includes(record.state);
    return isToUndo && record.undo.some(({ method }) => method !== "TX") ? [index] : [];
  });
  const place = undoable.indexOf(effect.step);
  const step = undoable[undoable.length - 1 - place] ?? effect.step;
  return { ...effect, step, requests: state.steps[step]?.undo ?? [] };
}
