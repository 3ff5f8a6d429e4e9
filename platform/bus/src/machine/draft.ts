/**
 * One step of the delivery machine under construction: a copy of the state whose parts are copied
 * again when they are first changed. So a step is pure for whoever calls it, and cheap.
 */
import { present } from "@tideway/kernel";
import type {
  DeliveryEffect,
  DeliveryState,
  DeliveryStep,
  Keeping,
  LaneInMemory,
  PartitionState,
  RevisionFlow,
  DeliverableEvent,
} from "./delivery-types.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export type Draft = Mutable<DeliveryState> & {
  effects: DeliveryEffect[];
  readonly nowMs: number;
  /** What happened may let something begin in any partition. */
  everywhere: boolean;
};

export const NOTHING_TO_KEEP: Keeping = { park: [], lanes: [], release: [], clear: [] };
/** No key that a service makes up begins with this control character. */
const UNORDERED = "\u0001";
const QUIET: RevisionFlow = { outage: null, suspension: null, recent: new Map() };

export function draftOf(state: DeliveryState, nowMs: number): Draft {
  return { ...state, effects: [], nowMs, everywhere: false };
}

export function finish(draft: Draft): DeliveryStep {
  const { effects, nowMs: _, everywhere: __, ...state } = draft;
  return { state, effects };
}

export function partitionOf(draft: Draft, partition: number): PartitionState {
  return present(draft.partitions[partition], "Partitions are numbered from 0 without gaps.");
}

export function changePartition(
  draft: Draft,
  partition: number,
  change: Partial<PartitionState>,
): void {
  const next = [...draft.partitions];
  next[partition] = { ...partitionOf(draft, partition), ...change };
  draft.partitions = next;
}

export function changeLane(
  draft: Draft,
  partition: number,
  lane: string,
  change: Partial<LaneInMemory>,
): void {
  const { lanes } = partitionOf(draft, partition);
  const before = present(lanes.get(lane), "Only a lane that is known is changed.");
  setLane(draft, partition, { ...before, ...change });
}

export function setLane(draft: Draft, partition: number, lane: LaneInMemory): void {
  const lanes = new Map(partitionOf(draft, partition).lanes).set(lane.lane, lane);
  changePartition(draft, partition, { lanes });
}

export function flowOf(draft: Draft, revision: string): RevisionFlow {
  return draft.flows.get(revision) ?? QUIET;
}

export function changeFlow(draft: Draft, revision: string, change: Partial<RevisionFlow>): void {
  draft.flows = new Map(draft.flows).set(revision, { ...flowOf(draft, revision), ...change });
}

/** Adds to what the partition's next keeping holds. */
export function toKeep(draft: Draft, partition: number, more: Partial<Keeping>): void {
  const { toKeep } = partitionOf(draft, partition);
  // The last word on a lane counts; a statement must not meet the same row twice.
  const again = new Set((more.lanes ?? []).map(({ lane }) => lane));
  changePartition(draft, partition, {
    toKeep: {
      park: [...toKeep.park, ...(more.park ?? [])],
      lanes: [...toKeep.lanes.filter(({ lane }) => !again.has(lane)), ...(more.lanes ?? [])],
      release: [...toKeep.release, ...(more.release ?? [])],
      clear: [...toKeep.clear, ...(more.clear ?? [])],
    },
  });
}

/** Events of the log that are completed: they leave the window. */
export function letGo(draft: Draft, partition: number, events: readonly DeliverableEvent[]): void {
  if (events.length === 0) return;
  const { heldEvents, heldBytes } = partitionOf(draft, partition);
  let bytes = 0;
  for (const event of events) bytes += event.bytes;
  changePartition(draft, partition, {
    heldEvents: heldEvents - events.length,
    heldBytes: heldBytes - bytes,
  });
}

/** Events of the log that wait again, in their places by offset. */
export function putBack(
  draft: Draft,
  partition: number,
  events: readonly DeliverableEvent[],
): void {
  if (events.length === 0) return;
  const { waiting } = partitionOf(draft, partition);
  const merged = [...waiting, ...events].sort((a, b) => a.offset - b.offset);
  changePartition(draft, partition, { waiting: merged });
}

/** An ordering key, or the event by itself where order does not matter. */
export function laneOfEvent(unordered: ReadonlySet<string>, event: DeliverableEvent): string {
  return unordered.has(event.type) ? `${UNORDERED}${event.eventId}` : event.key;
}

/**
 * The revision that an event goes to: its key's own, or the other live one where only that
 * consumes its type. Null when no live revision consumes it: there is nobody to deliver it to. What
 * a revision consumes that control has not told of is not known, so its events wait for it.
 */
export function targetOf(
  draft: DeliveryState,
  { keyDigits, type }: Pick<DeliverableEvent, "keyDigits" | "type">,
): string | null {
  const own = revisionOf(draft, keyDigits);
  if (own === null || mayConsume(draft, own, type)) return own;
  const { stable = own, candidate = null } = draft.split ?? {};
  const other = own === stable ? candidate : stable;
  return other !== null && mayConsume(draft, other, type) ? other : null;
}

function mayConsume({ revisions }: DeliveryState, revision: string, type: string): boolean {
  return revisions.get(revision)?.has(type) ?? true;
}

/** The revision that the present split gives a key, or null while there is no split. */
export function revisionOf(draft: DeliveryState, keyDigits: string): string | null {
  const { split } = draft;
  if (split === null) return null;
  if (split.candidate === null) return split.stable;
  return draft.options.laneOf(split, keyDigits) === "candidate" ? split.candidate : split.stable;
}
