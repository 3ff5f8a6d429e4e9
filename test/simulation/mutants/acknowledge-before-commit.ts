/** The consumer answers when the handlers are done; the commit that follows may fail. */
import { stepInbox } from "@tideway/events";
import type { InboxResult, InboxStep } from "@tideway/events";
import { eventMutant } from "./mutant.ts";

export const acknowledgeBeforeCommit = eventMutant("acknowledge before commit", {
  stepInbox: (state, input): InboxStep => {
    const step = stepInbox(state, input);
    const [effect] = step.effects;
    if (effect?.kind !== "commit" || step.state.mode !== "batch") return step;
    const results = step.state.events.map(({ id }, index): InboxResult => {
      const outcome = step.state.fresh.includes(index) ? "applied" : "duplicate";
      return { id, outcome, failure: null };
    });
    return {
      state: { ...step.state, phase: "done" },
      effects: [{ kind: "answer", results }, { kind: "commit" }],
    };
  },
});
