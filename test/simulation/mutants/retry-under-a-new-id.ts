/** Each try of a call has a key of its own, so a try whose answer was lost is done twice. */
import { stepSaga } from "@tideway/saga";
import type { Stepped } from "@tideway/saga";
import { sagaMutant } from "./mutant.ts";

export const retryUnderANewId = sagaMutant("retry under a new id", {
  stepSaga: (state, input): Stepped => {
    const step = stepSaga(state, input);
    const [effect] = step.effects;
    if (effect?.kind !== "call" || step.state.attempts === 0) return step;
    const key = `${effect.request.key}.${step.state.attempts}`;
    return { ...step, effects: [{ ...effect, request: { ...effect.request, key } }] };
  },
});
