/** How events of the log come into a partition's window: handed over as they commit, or read. */
import { laneOfEvent, changePartition, partitionOf } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { DeliverableEvent, PartitionState } from "./delivery-types.ts";

/** Takes what follows on what is there; the rest is only remembered as the log's new head. */
export function takeAppended(draft: Draft, events: readonly DeliverableEvent[]): Set<number> {
  const byPartition = new Map<number, DeliverableEvent[]>();
  for (const event of events) {
    const list = byPartition.get(event.partition);
    if (list === undefined) byPartition.set(event.partition, [event]);
    else list.push(event);
  }
  for (const [partition, list] of byPartition) {
    list.sort((a, b) => a.offset - b.offset);
    const before = partitionOf(draft, partition);
    const head = Math.max(before.head, list.at(-1)?.offset ?? 0);
    changePartition(draft, partition, { head });
    if (before.isReading) rememberLate(draft, partition, list);
    else takeFollowing(draft, partition, list);
  }
  return new Set(byPartition.keys());
}

/** The log's answer to a reading of `(readTo, upTo]`. */
export function takeRead(
  draft: Draft,
  partition: number,
  read: {
    readonly events: readonly DeliverableEvent[];
    readonly upTo: number;
    readonly limit: number;
  },
): void {
  const { late, isReading } = partitionOf(draft, partition);
  if (!isReading) return;
  const last = read.events.at(-1)?.offset ?? 0;
  // A full page may leave more to be read; offsets that are missing were pruned long ago.
  const readTo = read.events.length >= read.limit ? last : Math.max(last, read.upTo);
  changePartition(draft, partition, { isReading: false, late: [] });
  take(draft, partition, read.events, readTo);
  takeFollowing(draft, partition, late);
}

/** Asks for the next page of the log when there is one and the window has room for it. */
export function readMore(draft: Draft, partition: number): void {
  const { isReading, readAtMs, readTo, heldEvents, heldBytes } = partitionOf(draft, partition);
  const { readEventsMax: limit, windowEventsMax, windowBytesMax } = draft.options;
  const upTo = endOf(draft, partition);
  if (isReading || readAtMs > draft.nowMs || readTo >= upTo) return;
  if (heldEvents + limit > windowEventsMax || heldBytes >= windowBytesMax) return;
  changePartition(draft, partition, { isReading: true });
  draft.effects.push({ kind: "read", partition, after: readTo, upTo, limit });
}

/** The offset after which nothing is to be read at present. */
function endOf(draft: Draft, partition: number): number {
  const { head } = partitionOf(draft, partition);
  const until = draft.until?.[partition];
  return until === undefined ? head : Math.min(head, until);
}

function rememberLate(draft: Draft, partition: number, list: readonly DeliverableEvent[]): void {
  const { late } = partitionOf(draft, partition);
  const next = late.at(-1)?.offset ?? null;
  const follows = next === null || list[0]?.offset === next + 1;
  const hasRoom = late.length + list.length <= draft.options.readEventsMax;
  if (follows && hasRoom) changePartition(draft, partition, { late: [...late, ...list] });
  // A gap would have to be read anyhow, and then everything after it is read too.
}

function takeFollowing(draft: Draft, partition: number, list: readonly DeliverableEvent[]): void {
  const { readTo, heldEvents, heldBytes } = partitionOf(draft, partition);
  const { windowEventsMax, windowBytesMax } = draft.options;
  if (draft.until !== null || heldBytes >= windowBytesMax) return;
  const taken: DeliverableEvent[] = [];
  let next = readTo + 1;
  for (const event of list) {
    if (event.offset < next) continue;
    if (event.offset > next || heldEvents + taken.length >= windowEventsMax) break;
    taken.push(event);
    next++;
  }
  take(draft, partition, taken, next - 1);
}

/** Keeps of these what is to be delivered; everything up to `readTo` is known then. */
function take(
  draft: Draft,
  partition: number,
  events: readonly DeliverableEvent[],
  readTo: number,
): void {
  const before = partitionOf(draft, partition);
  const fresh = events.filter(
    (event) => draft.consumed.has(event.type) && isOpen(before, event.offset),
  );
  let bytes = 0;
  for (const event of fresh) bytes += event.bytes;
  changePartition(draft, partition, {
    readTo: Math.max(before.readTo, readTo),
    resume: before.resume !== null && readTo >= before.resume.upTo ? null : before.resume,
    waiting: fresh.length === 0 ? before.waiting : [...before.waiting, ...fresh],
    heldEvents: before.heldEvents + fresh.length,
    heldBytes: before.heldBytes + bytes,
  });
}

function isOpen({ resume }: PartitionState, offset: number): boolean {
  return resume === null || offset > resume.upTo || resume.open.has(offset);
}

/** Events that wait behind a lane in trouble leave the window for the table of parked events. */
export function parkFollowers(draft: Draft, partition: number): void {
  const { lanes, waiting, toKeep } = partitionOf(draft, partition);
  if (lanes.size === 0) return;
  const rest: DeliverableEvent[] = [];
  const park: { lane: string; event: DeliverableEvent }[] = [];
  for (const event of waiting) {
    const lane = laneOfEvent(draft.unordered, event);
    const phase = lanes.get(lane)?.phase;
    // While its parked events are being read or found to be none, nothing may be added to them.
    const mayPark = phase !== undefined && phase !== "loading" && phase !== "clearing";
    if (mayPark) park.push({ lane, event });
    else rest.push(event);
  }
  if (park.length === 0) return;
  changePartition(draft, partition, {
    waiting: rest,
    toKeep: { ...toKeep, park: [...toKeep.park, ...park] },
  });
}
