/**
 * What an operator may do with a rollout, what each act changes, and how to undo it. Control says
 * which acts are legal (`rollout.actions`); the words for the others come from the state.
 */
import type { Rollout } from "@tideway/api-admin";
import { unreachable } from "@tideway/kernel";
import { revisionNumber, weightPercent } from "./format.ts";
import { isUnderWay, stepWeights } from "./rollout-words.ts";

export type ActionName = Rollout["actions"][number];

export interface ActionView {
  readonly name: ActionName;
  readonly label: string;
  /** Why it cannot be done now; null when it can. */
  readonly refusal: string | null;
}

export interface Confirmation {
  readonly title: string;
  /** What changes when it is confirmed. */
  readonly changes: string;
  readonly undo: string;
  readonly confirmLabel: string;
  readonly isDestructive: boolean;
  /** False where control keeps no reason; left out, one may be given. */
  readonly asksReason?: false;
}

const LABELS: Record<ActionName, string> = {
  pause: "Pause",
  resume: "Resume",
  promote: "Promote",
  abort: "Abort",
};

/** The three buttons of the page; Pause gives its place to Resume while the clock stands still. */
export function actionViews(rollout: Rollout): ActionView[] {
  const first: ActionName =
    rollout.actions.includes("resume") || rollout.state === "paused" ? "resume" : "pause";
  return [first, "promote" as const, "abort" as const].map((name) => ({
    name,
    label: LABELS[name],
    refusal: rollout.actions.includes(name) ? null : refusalOf(name, rollout),
  }));
}

function refusalOf(name: ActionName, rollout: Rollout): string {
  if (!isUnderWay(rollout.state)) return `This rollout is over: ${rollout.state}.`;
  if (rollout.state === "starting" && name === "promote") {
    return `${rollout.to} is not ready yet; there is nothing to promote.`;
  }
  if (rollout.state === "starting") return `${rollout.to} has no traffic yet; no clock is running.`;
  if (rollout.state === "inconclusive" && name === "pause") {
    return "The clock already stands still: the step's longest time is over.";
  }
  return `A rollout that is ${rollout.state} cannot ${name}.`;
}

export interface ConfirmationOptions {
  /** For promote: straight to 100 % instead of the next step. */
  readonly isFull?: boolean;
}

/** The words of the question that is asked before anything is done. */
export function confirmationOf(
  name: ActionName,
  rollout: Rollout,
  options: ConfirmationOptions = {},
): Confirmation {
  const { to, service } = rollout;
  const stable = rollout.from ?? "the earlier revision";
  const share = weightPercent(rollout.weight);
  switch (name) {
    case "pause":
      return {
        title: `Pause the release of ${to}?`,
        changes: `No further step is taken. ${to} keeps ${share} of people and is still withdrawn if it fails.`,
        undo: "Resume goes on with the same step.",
        confirmLabel: "Pause",
        isDestructive: false,
      };
    case "resume":
      return {
        title: `Go on with the release of ${to}?`,
        changes: `The judge's clock runs again at ${share} of people, and steps follow by themselves.`,
        undo: "Pause stops it again.",
        confirmLabel: "Resume",
        isDestructive: false,
      };
    case "promote":
      return promotion(rollout, options.isFull === true);
    case "abort":
      return {
        title: `Withdraw ${to}?`,
        changes: `All traffic of ${service} returns to ${stable} at once, and the instances of ${to} are drained.`,
        undo: `Release it again with npx tideway deploy ${service}; it starts at the first step.`,
        confirmLabel: `Withdraw ${revisionNumber(to)}`,
        isDestructive: true,
      };
    default:
      return unreachable(name);
  }
}

function promotion(rollout: Rollout, isFull: boolean): Confirmation {
  const target = isFull ? 100 : nextWeight(rollout);
  const skipped = "The judge has not passed this step; you decide in its place.";
  const isLast = target === 100;
  const stays = isLast
    ? `${rollout.from ?? "The earlier revision"} is drained and kept for a rollback.`
    : `${rollout.to} is judged again there.`;
  return {
    title: `Give ${rollout.to} ${weightPercent(target)} of people?`,
    changes: `${weightPercent(rollout.weight)} becomes ${weightPercent(target)}. ${stays} ${skipped}`,
    undo: isLast
      ? `Roll back on the page of ${rollout.service}: it returns to ${rollout.from ?? "a kept revision"} at once.`
      : `Abort returns all traffic to ${rollout.from ?? "the earlier revision"} at once.`,
    confirmLabel: `Promote to ${weightPercent(target)}`,
    isDestructive: false,
  };
}

/** The weight after the present step, in percent. */
export function nextWeight(rollout: Pick<Rollout, "steps" | "step">): number {
  return stepWeights(rollout)[rollout.step + 1] ?? 100;
}

/** The question before a rollback; `target` is the kept revision that gets the traffic. */
export function rollbackConfirmation(
  service: string,
  target: string,
  stable: string | null,
): Confirmation {
  return {
    title: `Return ${service} to ${target}?`,
    changes: `All traffic moves from ${stable ?? "the present revision"} to ${target} at once, without steps. Data stays as it is.`,
    undo:
      stable === null
        ? `Deploy another revision with npx tideway deploy ${service}.`
        : `Roll back to ${stable} in the same way; it is kept.`,
    confirmLabel: `Roll back to ${revisionNumber(target)}`,
    isDestructive: true,
  };
}

/** What is said once control answered: the state that resulted, not the one that was wished. */
export function resultWords(name: ActionName, rollout: Rollout): string {
  const share = weightPercent(rollout.weight);
  switch (name) {
    case "pause":
      return `Paused. ${rollout.to} keeps ${share} of people.`;
    case "resume":
      return `Resumed at ${share} of people.`;
    case "promote":
      return rollout.state === "promoted"
        ? `Promoted. ${rollout.to} has all of the traffic.`
        : `Promoted. ${rollout.to} is to get ${share} of people.`;
    case "abort":
      return `Withdrawn. All traffic is on ${rollout.from ?? "the earlier revision"}.`;
    default:
      return unreachable(name);
  }
}
