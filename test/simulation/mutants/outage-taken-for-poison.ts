/** A delivery without an answer counts as a failed try of its events. */
import { stepDelivery } from "@tideway/bus";
import type { DeliveryStep } from "@tideway/bus";
import { eventMutant } from "./mutant.ts";

export const outageTakenForPoison = eventMutant("an outage taken for poison", {
  stepDelivery: (state, input): DeliveryStep => {
    if (input.kind !== "unanswered") return stepDelivery(state, input);
    const { batch, nowMs, jitter } = input;
    const failed = { outcome: "failed", code: "NO_ANSWER", detail: input.reason } as const;
    const outcomes = batch.events.map(() => failed);
    return stepDelivery(state, { kind: "answered", batch, outcomes, nowMs, jitter });
  },
});
