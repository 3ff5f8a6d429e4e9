/** A flow as operators see it. */
import { toTimestamp } from "@tideway/kernel";
import type { GroupView } from "../config.ts";
import type { Flow } from "../delivery/flow-driver.ts";
import type { DeliveryState, PartitionState } from "../machine/delivery-types.ts";
import { unreadOf } from "./waiting-count.ts";
import type { Waiting } from "./waiting-count.ts";

/**
 * Suspended is a group whose stable revision is, or, without a split, any. Without a count of what
 * waits elsewhere than in memory all of the unread log is taken for the group's.
 */
export function groupView({ name, state }: Flow, nowMs: number, counted?: Waiting): GroupView {
  const suspension = suspensionOf(state);
  let unread = 0;
  let inMemory = 0;
  let keysQuarantined = 0;
  let inFlight = 0;
  let oldestMs = Math.min(nowMs, counted?.parkedSinceMs ?? nowMs);
  for (const partition of state.partitions) {
    const { after, upTo } = unreadOf(partition);
    unread += upTo - after;
    inMemory += partition.heldEvents + openOf(partition);
    for (const { events, sinceMs } of partition.detours) {
      inMemory += events;
      oldestMs = Math.min(oldestMs, sinceMs);
    }
    for (const { state, phase } of partition.lanes.values()) {
      // Not before it is written down.
      if (state === "quarantined" && phase !== "keeping") keysQuarantined++;
    }
    for (const batch of partition.batches) inFlight += batch.events.length;
    oldestMs = Math.min(oldestMs, oldestOf(partition) ?? nowMs);
  }
  const lag = inMemory + (counted === undefined ? unread : counted.parked + counted.unread);
  return {
    group: name.group,
    state: suspension === null ? "running" : "suspended",
    reason: suspension?.reason ?? null,
    since: suspension === null ? null : toTimestamp(suspension.sinceMs),
    lag,
    ...(counted?.isApproximate === true ? { lagIsApproximate: true } : {}),
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

/** After a restart: what was open at its end and was not read again yet. */
function openOf({ resume, readTo }: PartitionState): number {
  let open = 0;
  for (const offset of resume?.open ?? []) if (offset > readTo) open++;
  return open;
}

/** The moment of the oldest event in memory. */
function oldestOf({ waiting, batches }: PartitionState): number | null {
  const firsts = [
    waiting[0],
    ...batches.map(({ events, parked }) => events.slice(parked)[0]),
  ].filter((event) => event !== undefined);
  if (firsts.length === 0) return null;
  return Math.min(...firsts.map(({ at }) => Date.parse(at)));
}
