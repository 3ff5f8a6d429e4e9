/** What operators may ask for, and what it does. */
import { unreachable } from "@tideway/kernel";
import { calm } from "./common-mode.ts";
import { decide, endWithout, enterStep, promoteFully, restartStep } from "./moves.ts";
import type { Cause, Draft } from "./moves.ts";
import { actionsOf } from "./state.ts";
import type { Command, Illegal, Observation, RolloutState } from "./state.ts";

/** Why `command` cannot be done in this state, or null when it can. */
export function illegal(
  state: RolloutState,
  command: Command,
  observation: Observation,
): Illegal | null {
  const refuse = (reason: string): Illegal => {
    return { action: command.action, state: state.name, reason };
  };
  if (!actionsOf(state).includes(command.action)) {
    return refuse(`A rollout that is ${state.name} cannot ${command.action}.`);
  }
  // An operator may overrule the judge, but not send people to a revision that is not there.
  if (command.action === "promote" && (observation.candidate?.ready ?? 0) === 0) {
    return refuse(`${state.plan.to} has no ready instance now; more traffic would be refused.`);
  }
  return null;
}

/** Does a legal command. */
export function obey(
  draft: Draft,
  command: Command,
  observation: Observation,
  nowMs: number,
): Draft {
  const because = command.reason === undefined ? "" : `: ${command.reason}`;
  const cause = (what: string): Cause => {
    return { nowMs, by: `operator ${command.by}`, reason: sentence(`${what}${because}`) };
  };
  switch (command.action) {
    case "pause":
      return decide(draft, cause("paused"), "paused", cause("Paused").reason, {
        name: "paused",
        pause: { by: "operator", from: "progressing" },
      });
    case "resume":
      return resume(draft, observation, cause("Resumed"));
    case "promote":
      if (command.full === true) return promoteFully(draft, cause("promoted by hand to the end"));
      return enterStep(
        draft,
        draft.state.step + 1,
        observation,
        cause("promoted by hand"),
        "raised",
      );
    case "abort":
      return endWithout(draft, cause("aborted by hand"), "aborted");
    default:
      return unreachable(command.action);
  }
}

function resume(draft: Draft, observation: Observation, cause: Cause): Draft {
  const { state } = draft;
  // A step whose longest time was over would be over again at once, so it gets its time anew.
  const isOver = state.name === "inconclusive" || state.pause?.from === "inconclusive";
  const resumed = decide(draft, cause, "resumed", cause.reason, {
    name: "progressing",
    pause: null,
    // The operator has seen what raised the guard. It watches on from here.
    guard: calm(state.guard.rateBefore),
  });
  return isOver ? restartStep(resumed, observation, cause.nowMs) : resumed;
}

function sentence(text: string): string {
  return /[.?]$/.test(text) ? text : `${text}.`;
}
