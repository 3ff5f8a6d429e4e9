/** Lanes in trouble: a failed try, quarantine, reading what is parked, redriving. */
import { changeLane, changePartition, partitionOf, setLane, targetOf, toKeep } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { DeliverableEvent, LaneInMemory, Outcome, PartitionState } from "./delivery-types.ts";

const RETRY_READ_MS = 500;
const DETAIL_CHARS_MAX = 500;
/** Of a partition and a revision: lanes whose parked events are being read at once. */
const LOADING_MAX = 16;

export interface FailedTry {
  readonly lane: string;
  readonly event: DeliverableEvent;
  readonly outcome: Outcome;
  readonly revision: string;
  readonly jitter: number;
}

/** Counts a failed try: it waits for the next one, or its lane is quarantined after the last. */
export function countTry(draft: Draft, partition: number, failed: FailedTry): void {
  const { event, outcome } = failed;
  const before = partitionOf(draft, partition).lanes.get(failed.lane);
  const tries = (before?.offset === event.offset ? before.tries : 0) + 1;
  const delayMs = draft.options.tryDelaysMs[tries - 1];
  const lane: LaneInMemory = {
    lane: failed.lane,
    key: event.key,
    keyDigits: event.keyDigits,
    partition,
    state: delayMs === undefined ? "quarantined" : "retrying",
    offset: event.offset,
    eventId: event.eventId,
    type: event.type,
    tries,
    code: (outcome.code ?? "UNKNOWN").slice(0, 100),
    detail: (outcome.detail ?? "").slice(0, DETAIL_CHARS_MAX),
    revision: failed.revision,
    sinceMs: before?.offset === event.offset ? before.sinceMs : draft.nowMs,
    nextTryAtMs:
      delayMs === undefined ? null : draft.nowMs + Math.round(delayMs * (0.9 + failed.jitter / 5)),
    loaded: [],
    phase: "keeping",
    loadAtMs: 0,
  };
  setLane(draft, partition, lane);
  toKeep(draft, partition, { lanes: [lane] });
}

/** Reads the parked events of lanes whose time has come, while there is room for them. */
export function readLanes(draft: Draft, partition: number): void {
  const { lanes } = partitionOf(draft, partition);
  if (lanes.size === 0) return;
  const loads = loadsOf(draft, lanes.values());
  for (const lane of lanes.values()) {
    if (!isDue(lane, draft.nowMs) || lane.loaded.length > 0 || lane.loadAtMs > draft.nowMs)
      continue;
    if (isBeingKept(partitionOf(draft, partition), lane.lane)) continue;
    const load = loadOf(loads, targetOf(draft, lane));
    if (load.loading >= LOADING_MAX || load.bytes >= draft.options.windowBytesMax) continue;
    load.loading++;
    changeLane(draft, partition, lane.lane, { phase: "loading" });
    const { parkedReadMax: limit, parkedBytesMax: bytesMax } = draft.options;
    draft.effects.push({ kind: "read-parked", partition, lane: lane.lane, limit, bytesMax });
  }
}

interface LaneLoad {
  loading: number;
  /** Of the parked events in memory. */
  bytes: number;
}

/** By the revision they go to, as what is away must not take the room of what is there. */
function loadsOf(draft: Draft, lanes: Iterable<LaneInMemory>): Map<string | null, LaneLoad> {
  const loads = new Map<string | null, LaneLoad>();
  for (const lane of lanes) {
    const [first] = lane.loaded;
    if (first !== undefined) {
      const load = loadOf(loads, targetOf(draft, first));
      for (const { bytes } of lane.loaded) load.bytes += bytes;
    } else if (lane.phase === "loading") loadOf(loads, targetOf(draft, lane)).loading++;
  }
  return loads;
}

function loadOf(loads: Map<string | null, LaneLoad>, revision: string | null): LaneLoad {
  const load = loads.get(revision) ?? { loading: 0, bytes: 0 };
  loads.set(revision, load);
  return load;
}

/** What is parked of a lane; nothing at all ends its trouble. */
export function takeParked(
  draft: Draft,
  partition: number,
  name: string,
  events: readonly DeliverableEvent[],
): void {
  const lane = partitionOf(draft, partition).lanes.get(name);
  if (lane?.phase !== "loading") return;
  if (events.length > 0) {
    changeLane(draft, partition, name, { loaded: events, phase: "rest" });
    return;
  }
  changeLane(draft, partition, name, { phase: "clearing" });
  toKeep(draft, partition, { clear: [name] });
}

export function parkedUnread(draft: Draft, partition: number, name: string): void {
  if (partitionOf(draft, partition).lanes.get(name)?.phase !== "loading") return;
  const loadAtMs = draft.nowMs + RETRY_READ_MS;
  changeLane(draft, partition, name, { phase: "rest", loadAtMs });
}

/** A parked event is done; its lane goes on with the next one at once. */
export function release(
  draft: Draft,
  partition: number,
  name: string,
  event: DeliverableEvent,
): void {
  const lane = partitionOf(draft, partition).lanes.get(name);
  if (lane !== undefined) {
    changeLane(draft, partition, name, {
      loaded: lane.loaded.filter(({ offset }) => offset !== event.offset),
      state: "redriving",
      tries: 0,
      nextTryAtMs: draft.nowMs,
    });
  }
  toKeep(draft, partition, { release: [{ lane: name, offset: event.offset }] });
}

/** Tries it again now, as if it had never failed. */
export function redriveLane(draft: Draft, partition: number, lane: LaneInMemory): void {
  const again = { state: "redriving", tries: 0, nextTryAtMs: draft.nowMs } as const;
  changeLane(draft, partition, lane.lane, again);
  if (lane.phase !== "clearing") {
    toKeep(draft, partition, { lanes: [{ ...lane, ...again }] });
  }
}

/**
 * What a revision failed that no longer gets it, is redriven by the one that gets it now:
 * after an abort on the stable one, after a release on the new one.
 */
export function redriveWithdrawn(draft: Draft): void {
  const { split } = draft;
  if (split === null) return;
  for (const { lanes } of draft.partitions) {
    for (const lane of lanes.values()) {
      const isGone = lane.revision !== split.stable && lane.revision !== split.candidate;
      const isWithdrawn =
        lane.revision === split.candidate && targetOf(draft, lane) !== split.candidate;
      if (lane.state !== "redriving" && (isGone || isWithdrawn)) {
        redriveLane(draft, lane.partition, lane);
      }
    }
  }
}

/** An operator's redrive: the key that was named, or every quarantined one. */
export function redriveKeys(draft: Draft, key: string | null): void {
  for (const { lanes } of draft.partitions) {
    for (const lane of lanes.values()) {
      const isMeant = key === null ? lane.state === "quarantined" : lane.key === key;
      if (isMeant) redriveLane(draft, lane.partition, lane);
    }
  }
}

/** Begins to write down what has gathered, one writing at a time. */
export function beginKeeping(draft: Draft, partition: number): void {
  const { keeping, toKeep } = partitionOf(draft, partition);
  if (keeping !== null) return;
  const { park, lanes, release, clear } = toKeep;
  if (park.length + lanes.length + release.length + clear.length === 0) return;
  const id = draft.nextId++;
  changePartition(draft, partition, {
    keeping: { ...toKeep, id, retryAtMs: null },
    toKeep: { park: [], lanes: [], release: [], clear: [] },
  });
  draft.effects.push({ kind: "keep", id, partition, keeping: toKeep });
}

export function isDue(lane: LaneInMemory, nowMs: number): boolean {
  return lane.phase === "rest" && lane.nextTryAtMs !== null && lane.nextTryAtMs <= nowMs;
}

function isBeingKept({ keeping, toKeep }: PartitionState, name: string): boolean {
  for (const one of [keeping, toKeep]) {
    if (one === null) continue;
    const isHeld = (of: { readonly lane: string }): boolean => of.lane === name;
    if (one.park.some(isHeld) || one.lanes.some(isHeld) || one.release.some(isHeld)) return true;
  }
  return false;
}
