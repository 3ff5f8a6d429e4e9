/** The relay deletes what it claimed before the log has committed it. */
import { stepRelay } from "@tideway/bus";
import type { RelayStep } from "@tideway/bus";
import { eventMutant } from "./mutant.ts";

export const deletedBeforeTheLog = eventMutant("outbox row deleted before the log's commit", {
  stepRelay: (state, input): RelayStep => {
    const step = stepRelay(state, input);
    const [effect] = step.effects;
    if (effect?.kind !== "append") return step;
    const ids = step.state.rows.map(({ id }) => id);
    return { ...step, effects: [{ kind: "delete", ids }, effect] };
  },
});
