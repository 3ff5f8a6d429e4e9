/**
 * After a change of the split the deliveries under way no longer hold back their keys: later events
 * of a key go to its new revision while earlier ones are still on their way to the old one.
 */
import { stepDelivery } from "@tideway/bus";
import type { Batch, DeliveryInput, DeliveryState, DeliveryStep } from "@tideway/bus";
import { eventMutant } from "./mutant.ts";

/** The machine copies what it does not know of along with its state. */
type Forgetful = DeliveryState & { readonly forgotten?: readonly Batch[] };

export const keyChangesRevisionInFlight = eventMutant("a key that changes revision in flight", {
  stepDelivery: (state: Forgetful, input): DeliveryStep => {
    const isChange = input.kind === "split" && input.split?.epoch !== state.split?.epoch;
    return stepDelivery(isChange ? forget(state) : remember(state, input), input);
  },
});

function forget(state: Forgetful): Forgetful {
  const under = state.partitions.flatMap(({ batches }) => batches);
  const partitions = state.partitions.map((one) => ({ ...one, batches: [] }));
  return { ...state, partitions, forgotten: [...(state.forgotten ?? []), ...under] };
}

/** Puts a forgotten batch back for the moment of its answer. */
function remember(state: Forgetful, input: DeliveryInput): Forgetful {
  if (input.kind !== "answered" && input.kind !== "unanswered" && input.kind !== "stale") {
    return state;
  }
  const { batch } = input;
  const isForgotten = state.forgotten?.some(({ id }) => id === batch.id) === true;
  if (!isForgotten) return state;
  const partitions = state.partitions.map((one, index) =>
    index === batch.partition ? { ...one, batches: [...one.batches, batch] } : one,
  );
  return { ...state, partitions };
}
