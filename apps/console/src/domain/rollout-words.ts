/** What a rollout's state is called, how it is coloured, and what it means in a sentence. */
import type { Rollout, RolloutStateName } from "@tideway/api-admin";
import { unreachable } from "@tideway/kernel";
import { weightPercent } from "./format.ts";

/** Tones are never shown without a word or sign beside them. */
export type Tone = "good" | "warn" | "bad" | "candidate" | "quiet";

export function toneOf(state: RolloutStateName): Tone {
  switch (state) {
    case "starting":
    case "progressing":
      return "candidate";
    case "paused":
    case "inconclusive":
      return "warn";
    case "promoted":
      return "good";
    case "aborted":
      return "quiet";
    case "withdrawn":
    case "failed":
      return "bad";
    default:
      return unreachable(state);
  }
}

/** True while the rollout may still move traffic. */
export function isUnderWay(state: RolloutStateName): boolean {
  return (
    state === "starting" ||
    state === "progressing" ||
    state === "paused" ||
    state === "inconclusive"
  );
}

type Meant = Pick<Rollout, "state" | "from" | "to" | "weight">;

/** One sentence: what happens now, or what became of it. */
export function meaningOf(rollout: Meant): string {
  const { to, from } = rollout;
  const share = weightPercent(rollout.weight);
  const rest = from === null ? "No revision serves." : `All traffic is on ${from}.`;
  switch (rollout.state) {
    case "starting":
      return `The first instance of ${to} is coming out and is probed. It gets no traffic yet.`;
    case "progressing":
      return `${to} is to get ${share} of people and is being judged.`;
    case "paused":
      return `The clock stands still. ${to} keeps ${share} of people and is still judged for failure.`;
    case "inconclusive":
      return `The step's longest time is over without a verdict. ${to} keeps ${share} until you decide.`;
    case "promoted":
      return `${to} has all of the traffic.${from === null ? "" : ` ${from} is kept for a rollback.`}`;
    case "aborted":
      return `An operator withdrew ${to}. ${rest}`;
    case "withdrawn":
      return `The judge withdrew ${to}. ${rest}`;
    case "failed":
      return `${to} never got ready and got no traffic. ${rest}`;
    default:
      return unreachable(rollout.state);
  }
}

/** Weights in order, with the final 100 % that comes after the last declared step. */
export function stepWeights(rollout: Pick<Rollout, "steps">): number[] {
  const weights = rollout.steps.map((step) => step.weight);
  return weights.at(-1) === 100 ? weights : [...weights, 100];
}

/** "step 2 of 4"; a first revision has no steps to take. */
export function stepWords(
  rollout: Pick<Rollout, "steps" | "step" | "from" | "state">,
): string | null {
  if (rollout.from === null) return null;
  const total = stepWeights(rollout).length;
  if (rollout.state === "promoted") return "all steps taken";
  const words = `step ${Math.min(rollout.step + 1, total)} of ${total}`;
  return isUnderWay(rollout.state) ? words : `ended in ${words}`;
}
