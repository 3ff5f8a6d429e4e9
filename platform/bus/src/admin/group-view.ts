/** A flow as operators see it, from memory alone. */
import { toTimestamp } from "@tideway/kernel";
import type { GroupView } from "../config.ts";
import type { Flow } from "../delivery/flow-driver.ts";
import type { DeliveryState, PartitionState } from "../machine/delivery-types.ts";

/** Suspended is a group whose stable revision is, or, without a split, any. */
export function groupView({ name, state }: Flow, nowMs: number): GroupView {
  const suspension = suspensionOf(state);
  let lag = 0;
  let keysQuarantined = 0;
  let inFlight = 0;
  let oldestMs = nowMs;
  for (const partition of state.partitions) {
    lag += Math.max(0, partition.head - partition.readTo) + partition.heldEvents;
    for (const { state, phase } of partition.lanes.values()) {
      // Not before it is written down.
      if (state === "quarantined" && phase !== "keeping") keysQuarantined++;
    }
    for (const batch of partition.batches) inFlight += batch.events.length;
    oldestMs = Math.min(oldestMs, oldestOf(partition) ?? nowMs);
  }
  return {
    group: name.group,
    state: suspension === null ? "running" : "suspended",
    reason: suspension?.reason ?? null,
    since: suspension === null ? null : toTimestamp(suspension.sinceMs),
    lag,
    lagAgeMs: nowMs - oldestMs,
    keysQuarantined,
    inFlight,
    appliedTotal: state.appliedTotal,
    failedTotal: state.failedTotal,
  };
}

function suspensionOf(state: DeliveryState) {
  for (const [revision, { suspension }] of state.flows) {
    if (suspension === null) continue;
    if (state.split === null || state.split.stable === revision) return suspension;
  }
  return null;
}

/** The moment of the oldest event in memory; what is parked has a count of its own. */
function oldestOf({ waiting, batches }: PartitionState): number | null {
  const firsts = [
    waiting[0],
    ...batches.map(({ events, parked }) => events.slice(parked)[0]),
  ].filter((event) => event !== undefined);
  if (firsts.length === 0) return null;
  return Math.min(...firsts.map(({ at }) => Date.parse(at)));
}
