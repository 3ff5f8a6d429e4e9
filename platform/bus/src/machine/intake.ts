/** How events of the log come into a partition's window: handed over as they commit, or read. */
import { bytesOf, detourOf, nextDiverted, passOver, takeDiverted } from "./detours.ts";
import { laneOfEvent, changePartition, partitionOf } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { DeliverableEvent, Detour } from "./delivery-types.ts";

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
    // What is read again of a detour lies behind; what follows on the end is taken meanwhile.
    if (before.isReading && !before.isCatchingUp) rememberLate(draft, partition, list);
    else takeFollowing(draft, partition, list);
  }
  return new Set(byPartition.keys());
}

/** The log's answer to a reading of `(readTo, upTo]`, or of what waits by a detour. */
export function takeRead(
  draft: Draft,
  partition: number,
  read: {
    readonly events: readonly DeliverableEvent[];
    readonly upTo: number;
    readonly limit: number;
  },
): void {
  const { late, isReading, isCatchingUp } = partitionOf(draft, partition);
  if (!isReading) return;
  if (isCatchingUp) {
    changePartition(draft, partition, { isReading: false });
    takeDiverted(draft, partition, read);
    return;
  }
  const last = read.events.at(-1)?.offset ?? 0;
  // A full page may leave more to be read; offsets that are missing were pruned long ago.
  const readTo = read.events.length >= read.limit ? last : Math.max(last, read.upTo);
  changePartition(draft, partition, { isReading: false, late: [] });
  take(draft, partition, read.events, readTo);
  takeFollowing(draft, partition, late);
}

/**
 * Asks for the next page of the log when there is one and the window has room for it: by turns what
 * stands behind the last one, and what waits by a detour.
 */
export function readMore(draft: Draft, partition: number): void {
  const { isReading, readAtMs, isCatchingUp } = partitionOf(draft, partition);
  if (isReading || readAtMs > draft.nowMs) return;
  const { readEventsMax: limit, readBytesMax: bytesMax } = draft.options;
  const next = nextOfLog(draft, partition);
  const diverted = hasRoom(draft, partition, limit) ? nextDiverted(draft, partition) : null;
  if (diverted !== null && (next === null || !isCatchingUp)) {
    changePartition(draft, partition, { isReading: true, isCatchingUp: true });
    draft.effects.push({ kind: "read", partition, ...diverted, limit, bytesMax });
  } else if (next !== null) {
    changePartition(draft, partition, { isReading: true, isCatchingUp: false });
    draft.effects.push({ kind: "read", partition, ...next, bytesMax });
  }
}

function nextOfLog(
  draft: Draft,
  partition: number,
): { readonly after: number; readonly upTo: number; readonly limit: number } | null {
  const upTo = endOf(draft, partition);
  const { readTo, resume, detours } = partitionOf(draft, partition);
  const { readEventsMax } = draft.options;
  // A page stays free for what waits by a detour.
  const reserved = detours.length === 0 ? 0 : readEventsMax;
  if (readTo >= upTo || !hasRoom(draft, partition, readEventsMax + reserved)) return null;
  if (resume === null) return { after: readTo, upTo, limit: readEventsMax };
  // After a restart only what was open is wanted, and nothing of what lies between.
  const open = [...resume.open].filter((offset) => offset > readTo);
  const after = Math.max(readTo, Math.min(resume.upTo, ...open) - (open.length === 0 ? 0 : 1));
  const near = open.filter((offset) => offset <= after + readEventsMax);
  const limit = near.length === 0 ? readEventsMax : Math.max(...near) - after;
  return { after, upTo, limit };
}

function hasRoom(draft: Draft, partition: number, events: number): boolean {
  const { heldEvents, heldBytes } = partitionOf(draft, partition);
  const { windowEventsMax, windowBytesMax } = draft.options;
  return heldEvents + events <= windowEventsMax && heldBytes < windowBytesMax;
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
  const both = [...late, ...list];
  const { readEventsMax, readBytesMax } = draft.options;
  const hasRoom = both.length <= readEventsMax && bytesOf(both) <= readBytesMax;
  if (follows && hasRoom) changePartition(draft, partition, { late: both });
  // A gap would have to be read anyhow, and then everything after it is read too.
}

function takeFollowing(draft: Draft, partition: number, list: readonly DeliverableEvent[]): void {
  const { readTo, heldEvents, heldBytes, detours } = partitionOf(draft, partition);
  const { windowEventsMax, windowBytesMax, readEventsMax } = draft.options;
  if (draft.until !== null || heldBytes >= windowBytesMax) return;
  const eventsMax = windowEventsMax - (detours.length === 0 ? 0 : readEventsMax);
  const taken: DeliverableEvent[] = [];
  let next = readTo + 1;
  let bytes = heldBytes;
  for (const event of list) {
    if (event.offset < next) continue;
    if (event.offset > next || heldEvents + taken.length >= eventsMax) break;
    if (bytes >= windowBytesMax) break;
    taken.push(event);
    bytes += event.bytes;
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
  const { resume } = before;
  const fresh: DeliverableEvent[] = [];
  const passed: [Detour, DeliverableEvent][] = [];
  let bytes = 0;
  for (const event of events) {
    if (!draft.consumed.has(event.type)) continue;
    // Read before the restart: what is not open is done, or waits by a detour.
    if (resume !== null && event.offset <= resume.upTo && !resume.open.has(event.offset)) continue;
    const detour = detourOf(draft, before, event);
    if (detour !== null) {
      passed.push([detour, event]);
      continue;
    }
    fresh.push(event);
    bytes += event.bytes;
  }
  changePartition(draft, partition, {
    readTo: Math.max(before.readTo, readTo),
    resume: resume !== null && readTo >= resume.upTo ? null : resume,
    waiting: fresh.length === 0 ? before.waiting : [...before.waiting, ...fresh],
    ...passOver(draft, before, passed),
    heldEvents: before.heldEvents + fresh.length,
    heldBytes: before.heldBytes + bytes,
  });
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
