/**
 * What should be in the world, derived from the state alone. Control makes it so, again and again;
 * it need not remember which effects it had carried out when it was killed. Effects are only the
 * difference between what two states desire.
 */
import { unreachable } from "@tideway/kernel";
import type { Effect, RolloutState } from "./state.ts";

export interface Desired {
  /** Gets all traffic that the candidate does not get; null before a first release is ready. */
  readonly stable: string | null;
  readonly candidate: string | null;
  /** Percent of people for the candidate; 0 without one. */
  readonly weight: number;
  /**
   * Revisions whose instances must stay: at least one, and for stable as many as there were, so
   * that all traffic can return to it at once. The scaler may add to them.
   */
  readonly keep: readonly string[];
  /** Instances of these may go once the gateway has confirmed the split and they are drained. */
  readonly removable: readonly string[];
}

/** What the state asks for. */
export function desired(state: RolloutState): Desired {
  const { from, to } = state.plan;
  const only = (revision: string | null) => (revision === null ? [] : [revision]);
  switch (state.name) {
    case "starting":
    case "progressing":
    case "paused":
    case "inconclusive":
      return {
        stable: from,
        candidate: to,
        weight: state.weight,
        keep: [...only(from), to],
        removable: [],
      };
    case "promoted":
      return { stable: to, candidate: null, weight: 0, keep: [], removable: only(from) };
    case "aborted":
    case "withdrawn":
    case "failed":
      return { stable: from, candidate: null, weight: 0, keep: [], removable: [to] };
    default:
      return unreachable(state.name);
  }
}

/** What changed between two states; `before` is null when the rollout begins. */
export function effectsBetween(before: RolloutState | null, after: RolloutState): Effect[] {
  const was = before === null ? null : desired(before);
  const is = desired(after);
  const { from, to } = after.plan;
  const effects: Effect[] = [];
  if (was === null) effects.push({ kind: "startCandidate", revision: to });
  if (!sameList(was?.keep ?? [], is.keep)) {
    effects.push({ kind: "keepInstances", revisions: is.keep });
  }
  // The state's weight, not the desired one: a promoted candidate has all people before it becomes
  // the stable revision and the split disappears.
  // A first release has nobody to share with.
  if (from !== null && (before?.weight ?? 0) !== after.weight) {
    effects.push({ kind: "setWeight", weight: after.weight });
  }
  if (was?.stable !== to && is.stable === to)
    effects.push({ kind: "promoteCandidate", revision: to });
  for (const revision of is.removable) {
    if (was?.removable.includes(revision)) continue;
    const kind = revision === from ? "removeStable" : "removeCandidate";
    effects.push({ kind, revision, afterDrain: true });
  }
  return effects;
}

function sameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item, i) => item === right[i]);
}
