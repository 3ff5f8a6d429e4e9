/** Rearranges a rollout for its page; nothing is computed that was not measured. */
import type { Rollout } from "@tideway/api-admin";
import { revisionNumber } from "./format.ts";
import { isUnderWay } from "./rollout-words.ts";

export interface LaneOfRollout {
  readonly role: "stable" | "candidate";
  readonly revision: string;
  readonly numbers: Rollout["stable"];
  readonly share: number | null;
  readonly wanted: number | null;
}

/** "payments 7 → 8"; a first revision comes from nothing. */
export function titleOf(rollout: Pick<Rollout, "service" | "from" | "to">): string {
  const to = revisionNumber(rollout.to);
  const from = rollout.from === null ? "" : `${revisionNumber(rollout.from)} \u2192 `;
  return `${rollout.service} ${from}${to}`;
}

/**
 * Stable above, candidate below. The candidate's share of people is measured; stable has the rest
 * of them. Before the first person of a step, the requests of the last minute tell who gets what.
 * Nothing is wanted of a rollout that is over or gives the candidate nothing yet.
 */
export function lanesOf(rollout: Rollout): LaneOfRollout[] {
  const { weight, from, to } = rollout;
  const wanted = isUnderWay(rollout.state) && rollout.state !== "starting" ? weight : null;
  const share = rollout.actualShare ?? shareOfRequests(rollout);
  const candidate: LaneOfRollout = {
    role: "candidate",
    revision: to,
    numbers: rollout.candidate,
    share,
    wanted,
  };
  if (from === null) return [candidate];
  const stable: LaneOfRollout = {
    role: "stable",
    revision: from,
    numbers: rollout.stable,
    share: share === null ? null : 100 - share,
    wanted: wanted === null ? null : 100 - wanted,
  };
  return [stable, candidate];
}

/** The candidate's percent of the last minute's requests; null when there were none. */
function shareOfRequests(rollout: Pick<Rollout, "stable" | "candidate">): number | null {
  const candidate = rollout.candidate?.requests ?? 0;
  const total = candidate + (rollout.stable?.requests ?? 0);
  return total === 0 ? null : (candidate / total) * 100;
}

/** Says what the shares are of when that is not "people, now"; null when it is. */
export function lanesNote(rollout: Rollout): string | null {
  if (rollout.from === null) return null;
  if (rollout.actualShare !== null) {
    return isUnderWay(rollout.state) ? null : "Shares of people as last measured, before it ended.";
  }
  if (shareOfRequests(rollout) === null) return null;
  return "Shares of requests in the last minute; no person was counted in this step.";
}
