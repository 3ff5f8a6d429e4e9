/** A pivot without an answer is taken for a refusal, and the hold before it is given back. */
import { stepSaga } from "@tideway/saga";
import type { Stepped } from "@tideway/saga";
import { sagaMutant } from "./mutant.ts";

export const holdVoidedAfterItsPivot = sagaMutant("hold voided after its pivot", {
  stepSaga: (state, input): Stepped => {
    const isPivot = state.plan.steps[state.at]?.kind === "pivot" && state.phase === "running";
    if (!isPivot || input.kind !== "answered" || input.outcome.kind !== "unknown") {
      return stepSaga(state, input);
    }
    const { problem } = input.outcome;
    return stepSaga(state, { ...input, outcome: { kind: "refused", problem } });
  },
});
