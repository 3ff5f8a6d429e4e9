/**
 * Which events go now, to which revision.
 *
 * An event goes to the revision that has its key, or to the other live one where only that consumes
 * its type; so a key's events may go to both, by turns.
 *
 * Invariants: one batch at a time for a partition and revision; a lane is in one batch at most, so
 * it changes its revision only with nothing in flight; within a lane nothing overtakes; a lane in
 * trouble sends only what was parked of it. What lingers holds up only what lingers too.
 */
import {
  changeLane,
  changePartition,
  flowOf,
  laneOfEvent,
  letGo,
  partitionOf,
  targetOf,
} from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { Batch, DeliverableEvent, LaneInMemory, PartitionState } from "./delivery-types.ts";
import { bytesOf, divertLate } from "./detours.ts";
import { parkFollowers, readMore } from "./intake.ts";
import { beginKeeping, isDue, readLanes, release } from "./lanes.ts";

/** Begins everything that can begin in these partitions. */
export function schedule(draft: Draft, partitions: Iterable<number>): void {
  for (const partition of partitions) {
    if (!draft.isStopping) {
      parkFollowers(draft, partition);
      readLanes(draft, partition);
      const { split } = draft;
      if (split !== null && !draft.isSplitStale) {
        linger(draft, partition);
        send(draft, partition, split.stable, split.epoch);
        if (split.candidate !== null) send(draft, partition, split.candidate, split.epoch);
      }
      divertLate(draft, partition);
      readMore(draft, partition);
    }
    beginKeeping(draft, partition);
  }
}

/**
 * Lets what waits wait for more, while all of it may. Once the first one's time is over, or a batch
 * is full, everything goes; what then has to wait for an answer goes with that.
 */
function linger(draft: Draft, partition: number): void {
  const { waiting, lingersUntilMs } = partitionOf(draft, partition);
  if (lingersUntilMs === null && (draft.lingers.size === 0 || waiting.length === 0)) return;
  let lingerMs = waiting.length === 0 ? 0 : Infinity;
  for (const { type } of waiting) lingerMs = Math.min(lingerMs, draft.lingers.get(type) ?? 0);
  const { batchEventsMax, batchBytesMax } = draft.options;
  const isFull = waiting.length >= batchEventsMax || bytesOf(waiting) >= batchBytesMax;
  if (lingerMs === 0 || isFull) changePartition(draft, partition, { lingersUntilMs: null });
  else {
    // Never longer than that from now, also when the clock was set back meanwhile.
    const atMostMs = draft.nowMs + lingerMs;
    changePartition(draft, partition, {
      lingersUntilMs: Math.min(lingersUntilMs ?? atMostMs, atMostMs),
    });
  }
}

function isLingering({ lingersUntilMs }: PartitionState, nowMs: number): boolean {
  return lingersUntilMs !== null && lingersUntilMs > nowMs;
}

function send(draft: Draft, partition: number, revision: string, epoch: number): void {
  // Not told yet what it consumes: its lanes wait until control has said so.
  if (!draft.revisions.has(revision)) return;
  if (partitionOf(draft, partition).batches.some((batch) => batch.revision === revision)) return;
  const { outage, suspension } = flowOf(draft, revision);
  const waitsUntilMs = Math.max(outage?.untilMs ?? 0, suspension?.untilMs ?? 0);
  const mayTryOne = outage !== null || suspension !== null;
  if (waitsUntilMs > draft.nowMs || (mayTryOne && isInFlight(draft, revision))) return;
  const isProbe = suspension !== null;
  const load = new Load(draft, isProbe ? draft.options.probeEventsMax : undefined);
  const taking = { revision, load, isProbe };
  let parked = take(draft, partition, { ...taking, avoid: suspension?.probed ?? null });
  // Every lane was probed once: the next round begins with any of them.
  if (isProbe && load.events.length === 0) {
    parked = take(draft, partition, { ...taking, avoid: null });
  }
  if (load.events.length === 0) return;
  const id = draft.nextId++;
  const { events, lanes } = load;
  const batch: Batch = { id, partition, revision, epoch, events, lanes, parked, isProbe };
  const { batches } = partitionOf(draft, partition);
  changePartition(draft, partition, { batches: [...batches, batch] });
  draft.effects.push({ kind: "deliver", batch });
}

/** Fills the load: first what was parked, then what waits. Answers how many were parked. */
function take(draft: Draft, partition: number, taking: Taking): number {
  takeParkedEvents(draft, partition, taking);
  const parked = taking.load.events.length;
  takeWaiting(draft, partition, taking);
  return parked;
}

function isInFlight(draft: Draft, revision: string): boolean {
  return draft.partitions.some(({ batches }) =>
    batches.some((batch) => batch.revision === revision),
  );
}

/** A batch being filled. */
class Load {
  readonly events: DeliverableEvent[] = [];
  readonly lanes: string[] = [];
  readonly #eventsMax: number;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(draft: Draft, eventsMax: number | undefined) {
    this.#eventsMax = eventsMax ?? draft.options.batchEventsMax;
    this.#bytesMax = draft.options.batchBytesMax;
  }

  get isFull(): boolean {
    return this.events.length >= this.#eventsMax || this.#bytes >= this.#bytesMax;
  }

  add(lane: string, event: DeliverableEvent): boolean {
    if (this.isFull) return false;
    // A single event always fits, or a large one could never go.
    if (this.events.length > 0 && this.#bytes + event.bytes > this.#bytesMax) return false;
    this.events.push(event);
    this.lanes.push(lane);
    this.#bytes += event.bytes;
    return true;
  }
}

interface Taking {
  readonly revision: string;
  readonly load: Load;
  /** Of a probe: one event a lane. */
  readonly isProbe: boolean;
  /** Lanes that are left out. */
  readonly avoid: ReadonlySet<string> | null;
}

/**
 * A lane that fails is tried with its first event alone; one that goes well with all that was read.
 */
function takeParkedEvents(draft: Draft, partition: number, taking: Taking): void {
  const { lanes } = partitionOf(draft, partition);
  for (const lane of lanes.values()) {
    if (taking.load.isFull) return;
    if (!isDue(lane, draft.nowMs) || taking.avoid?.has(lane.lane) === true) continue;
    takeLane(draft, lane, taking);
  }
}

function takeLane(draft: Draft, lane: LaneInMemory, { revision, load, isProbe }: Taking): void {
  let taken = 0;
  for (const event of isProbe || lane.tries > 0 ? lane.loaded.slice(0, 1) : lane.loaded) {
    const target = targetOf(draft, event);
    // What stands behind a sent one waits for its answer, whether it is consumed or not.
    if (target === null && taken === 0) release(draft, lane.partition, lane.lane, event);
    else if (target === revision && load.add(lane.lane, event)) taken++;
    else break;
  }
  if (taken > 0) changeLane(draft, lane.partition, lane.lane, { phase: "in-flight" });
}

function takeWaiting(draft: Draft, partition: number, taking: Taking): void {
  const { revision, load, avoid } = taking;
  const state = partitionOf(draft, partition);
  const { waiting, batches, lanes } = state;
  if (waiting.length === 0 || load.isFull || isLingering(state, draft.nowMs)) return;
  const blocked = new Set<string>();
  for (const batch of batches) {
    for (const lane of batch.lanes) blocked.add(lane);
    // Of a type whose order matters only since it was sent, the key waits all the same.
    for (const event of batch.events) blocked.add(laneOfEvent(draft.unordered, event));
  }
  /** Lanes with an event in this very batch. */
  const begun = new Set<string>();
  const rest: DeliverableEvent[] = [];
  const skipped: DeliverableEvent[] = [];
  for (const event of waiting) {
    const lane = laneOfEvent(draft.unordered, event);
    const isFree = !blocked.has(lane) && !lanes.has(lane) && avoid?.has(lane) !== true;
    const target = isFree ? targetOf(draft, event) : undefined;
    if (target === null && !begun.has(lane)) {
      // No live revision wants it: completed without a delivery, as nothing of its lane stands
      // before it.
      skipped.push(event);
    } else if (target === revision && load.add(lane, event)) {
      begun.add(lane);
      if (taking.isProbe) blocked.add(lane);
    } else {
      blocked.add(lane);
      rest.push(event);
    }
  }
  if (rest.length === waiting.length) return;
  changePartition(draft, partition, { waiting: rest });
  letGo(draft, partition, skipped);
}
