/**
 * Detours: what belongs to a revision that is late waits in the log instead of in memory.
 *
 * A partition's window is shared by the revisions of a rollout. One that is away, suspended or slow
 * keeps its events, until nothing but these is in the window and the other revision's keys stand
 * still with them. So the newest of its events are let go again, and only noted as a rule: "of this
 * split's candidate keys everything above offset N waits in the log". What comes later and falls
 * under the rule is passed over too. Once the revision has room again the log is read a second time
 * from N on, until it meets the first reading, and the rule is forgotten.
 *
 * Invariant: what a detour holds of a key is the end of what waits of that key, so reading it in
 * order keeps the key's order, whoever has the key by then. A rule may cover events that are done
 * already: these come a second time and the inbox removes them.
 *
 * Rejected: parking them in the table of troubled keys (a row and a lane in memory for every key of
 * a revision, written and deleted again); a limit alone (the reading would still stand still at the
 * first event above it).
 */
import { changePartition, flowOf, letGo, partitionOf, revisionOf } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type {
  DeliverableEvent,
  DeliveryOptions,
  DeliverySplit,
  Detour,
  PartitionState,
} from "./delivery-types.ts";

/** A revision that is late and holds more than this part of a window gives up the newest ... */
const PART_MAX = 1 / 2;
/** ... until this part is left; with less than it, it gets more of what waits in the log. */
const PART_KEPT = 1 / 4;
/** Rules at a time: one for each split under which a revision was late. */
const DETOURS_MAX = 8;

/** Lets go of what a revision that is late holds beyond its part of the window. */
export function divertLate(draft: Draft, partition: number): void {
  const { split } = draft;
  const { windowEventsMax, windowBytesMax } = draft.options;
  const { heldEvents, heldBytes, detours, batches, ...reading } = partitionOf(draft, partition);
  // Where all keys have one revision, nobody waits for another one's.
  if (split === null || split.candidate === null || detours.length >= DETOURS_MAX) return;
  // The answer is for the rules as they were when it was asked for.
  if (reading.isReading && reading.isCatchingUp) return;
  const mayBeFull =
    heldEvents > windowEventsMax * PART_MAX || heldBytes > windowBytesMax * PART_MAX;
  if (!mayBeFull) return;
  // A candidate that is only slow shows by the stable revision's having nothing left to do here.
  const isStableIdle = !batches.some(({ revision }) => revision === split.stable);
  if (isStableIdle || isAway(draft, split.candidate)) {
    divert(draft, partition, split, "candidate");
  }
  if (isAway(draft, split.stable)) divert(draft, partition, split, "stable");
}

function isAway(draft: Draft, revision: string): boolean {
  const { outage, suspension } = flowOf(draft, revision);
  return outage !== null || suspension !== null || !draft.revisions.has(revision);
}

function divert(draft: Draft, partition: number, split: DeliverySplit, lane: Detour["lane"]): void {
  const revision = split[lane];
  const { waiting, batches, detours } = partitionOf(draft, partition);
  const { windowEventsMax, windowBytesMax } = draft.options;
  const mine = waiting.filter(({ keyDigits }) => revisionOf(draft, keyDigits) === revision);
  const sent = batches.filter((batch) => batch.revision === revision);
  const held = sent.flatMap(({ events, parked }) => events.slice(parked)).concat(mine);
  const bytes = bytesOf(held);
  const isTooMuch = held.length > windowEventsMax * PART_MAX || bytes > windowBytesMax * PART_MAX;
  const keep = isTooMuch ? countKept(draft.options, mine) : mine.length;
  const [first] = mine.slice(keep);
  if (first === undefined) return;
  const gone = new Set(mine.slice(keep));
  const detour: Detour = {
    split,
    lane,
    after: first.offset - 1,
    events: gone.size,
    sinceMs: Date.parse(first.at),
  };
  changePartition(draft, partition, {
    waiting: waiting.filter((event) => !gone.has(event)),
    detours: joined(detours, detour),
  });
  letGo(draft, partition, [...gone]);
}

/** How many of these, the oldest first, are the part that stays; one at least. */
function countKept(options: DeliveryOptions, mine: readonly DeliverableEvent[]): number {
  const eventsMax = Math.max(1, Math.floor(options.windowEventsMax * PART_KEPT));
  let bytes = 0;
  let count = 0;
  for (const event of mine) {
    bytes += event.bytes;
    if (count >= eventsMax) break;
    if (count > 0 && bytes > options.windowBytesMax * PART_KEPT) break;
    count++;
  }
  return count;
}

/** The same keys once more: the rule that is there reaches further back. */
function joined(detours: readonly Detour[], more: Detour): readonly Detour[] {
  const same = detours.find(
    ({ split, lane }) =>
      lane === more.lane &&
      split.rollout === more.split.rollout &&
      split.weight === more.split.weight &&
      split.candidate === more.split.candidate,
  );
  if (same === undefined) return [...detours, more];
  const both = {
    ...same,
    after: Math.min(same.after, more.after),
    events: same.events + more.events,
    sinceMs: Math.min(same.sinceMs, more.sinceMs),
  };
  return detours.map((one) => (one === same ? both : one));
}

/** The rule by which an event waits in the log, if there is one. */
export function detourOf(
  { options }: Pick<Draft, "options">,
  { detours }: PartitionState,
  event: DeliverableEvent,
): Detour | null {
  for (const detour of detours) {
    if (event.offset <= detour.after) continue;
    if (options.laneOf(detour.split, event.keyDigits) === detour.lane) return detour;
  }
  return null;
}

/** Notes events that are passed over, each with its rule. */
export function passOver(
  { options }: Pick<Draft, "options">,
  { detours, isReading, isCatchingUp, late, isLateCut }: PartitionState,
  passed: readonly (readonly [Detour, DeliverableEvent])[],
): Partial<PartitionState> {
  if (passed.length === 0) return {};
  const counts = Map.groupBy(passed, ([detour]) => detour);
  const counted = detours.map((one) => {
    return { ...one, events: one.events + (counts.get(one)?.length ?? 0) };
  });
  if (!isReading || !isCatchingUp) return { detours: counted };
  // Kept while the log is read up to here, or the two readings would never meet on a busy log.
  const both = [...late, ...passed.map(([, event]) => event)];
  const { readEventsMax, readBytesMax } = options;
  const isCut = isLateCut || both.length > readEventsMax || bytesOf(both) > readBytesMax;
  const kept = isCut ? [] : both;
  return { detours: counted, late: kept, isLateCut: isCut };
}

/** The part of the log to be read again, when there is room for what it holds. */
export function nextDiverted(
  draft: Draft,
  partition: number,
): { readonly after: number; readonly upTo: number } | null {
  const state = partitionOf(draft, partition);
  const { detours, resume, readTo, waiting } = state;
  // What was open at the last end stands before it and is read first.
  if (detours.length === 0 || resume !== null) return null;
  const after = Math.min(...detours.map((one) => one.after));
  if (after >= readTo) return null;
  const { windowEventsMax, windowBytesMax } = draft.options;
  let count = 0;
  let bytes = 0;
  for (const event of waiting) {
    if (!isOfAny(draft, detours, event)) continue;
    count++;
    bytes += event.bytes;
    if (count >= windowEventsMax * PART_KEPT || bytes >= windowBytesMax * PART_KEPT) return null;
  }
  return { after, upTo: readTo };
}

function isOfAny(draft: Draft, detours: readonly Detour[], event: DeliverableEvent): boolean {
  return detours.some(({ split, lane }) => draft.options.laneOf(split, event.keyDigits) === lane);
}

/** What was read again comes into the window; where both readings meet, the rule ends. */
export function takeDiverted(
  draft: Draft,
  partition: number,
  read: {
    readonly events: readonly DeliverableEvent[];
    readonly upTo: number;
    readonly limit: number;
  },
): void {
  const before = partitionOf(draft, partition);
  const last = read.events.at(-1);
  const isFull = last !== undefined && read.events.length >= read.limit;
  const meets = !isFull && !before.isLateCut;
  const readTo = isFull ? Math.min(last.offset, read.upTo) : read.upTo;
  const page = read.events.filter(({ offset }) => offset <= readTo);
  const held = heldOffsets(before);
  const taken: DeliverableEvent[] = [];
  const passed = new Map<Detour, number>();
  for (const event of meets ? [...page, ...before.late] : page) {
    const detour = draft.consumed.has(event.type) ? detourOf(draft, before, event) : null;
    if (detour === null) continue;
    passed.set(detour, (passed.get(detour) ?? 0) + 1);
    if (!held.has(event.offset)) taken.push(event);
  }
  const sinceMs = last === undefined ? draft.nowMs : Date.parse(last.at);
  const detours = before.detours.map((one) => ({
    ...one,
    after: Math.max(one.after, readTo),
    events: Math.max(0, one.events - (passed.get(one) ?? 0)),
    sinceMs: one.after < readTo ? Math.max(one.sinceMs, sinceMs) : one.sinceMs,
  }));
  changePartition(draft, partition, {
    late: [],
    isLateCut: false,
    detours: meets ? [] : detours.filter(({ after }) => after < before.readTo),
    waiting: [...before.waiting, ...taken].sort((a, b) => a.offset - b.offset),
    heldEvents: before.heldEvents + taken.length,
    heldBytes: before.heldBytes + bytesOf(taken),
  });
}

function heldOffsets({ waiting, batches, keeping, toKeep }: PartitionState): Set<number> {
  const held = new Set(waiting.map(({ offset }) => offset));
  for (const { events } of batches) for (const { offset } of events) held.add(offset);
  for (const { event } of keeping?.park ?? []) held.add(event.offset);
  for (const { event } of toKeep.park) held.add(event.offset);
  return held;
}

export function bytesOf(events: readonly DeliverableEvent[]): number {
  let bytes = 0;
  for (const event of events) bytes += event.bytes;
  return bytes;
}
