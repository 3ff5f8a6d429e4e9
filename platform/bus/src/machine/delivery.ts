/**
 * The delivery of the log's events to one consuming service, as a pure state machine.
 *
 * Idea: of each partition a window of events is held in memory. What an instance applied leaves it;
 * what nobody answered goes back into it; what failed leaves the log's order and is parked, with
 * all that follows it in its lane, in a table of its own. So the cursor never waits for a poisoned
 * key, memory stays bounded, and the table alone says what is to be tried again.
 *
 * Invariants: an event is completed only when an instance applied it, when no live revision consumes
 * it, or when it is in the table. What is written down of the cursor may be old: what is
 * then delivered twice is removed by the inbox. A failed try is in the table before it takes
 * effect.
 *
 * Rejected: retrying inside the window (a busy poisoned key would fill it and stop the partition);
 * a retry topic (the order of the key is lost).
 */
import { unreachable } from "@tideway/kernel";
import { takeAnswer, takeOutage, takeStale } from "./answers.ts";
import { changePartition, draftOf, finish, NOTHING_TO_KEEP, letGo, partitionOf } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type {
  Consumes,
  Cursor,
  DeliveryInput,
  DeliveryOptions,
  DeliverySplit,
  DeliveryState,
  DeliveryStep,
  Lingers,
  PartitionState,
  RevisionFlow,
  TroubledLane,
} from "./delivery-types.ts";
import { takeAppended, takeRead } from "./intake.ts";
import { parkedUnread, redriveKeys, redriveWithdrawn, takeParked } from "./lanes.ts";
import { schedule } from "./schedule.ts";

const RETRY_MS = 500;

/** What the database knows of a group. */
export interface DeliveryStart {
  readonly options: DeliveryOptions;
  readonly revisions: ReadonlyMap<string, Consumes>;
  readonly lingers?: Lingers;
  /** One a partition. */
  readonly cursors: readonly Cursor[];
  readonly heads: readonly number[];
  readonly lanes: readonly TroubledLane[];
  readonly suspensions: ReadonlyMap<string, { readonly sinceMs: number; readonly reason: string }>;
  /** Of a replay: the last offset of each partition that belongs to it. */
  readonly until: readonly number[] | null;
}

/** The state at a start, after whatever end the process before came to. */
export function deliveryAtStart(start: DeliveryStart): DeliveryState {
  const { options, until } = start;
  const flows = new Map<string, RevisionFlow>();
  for (const [revision, { sinceMs, reason }] of start.suspensions) {
    const suspension = { sinceMs, reason, probes: 0, untilMs: 0, probed: new Set<string>() };
    flows.set(revision, { outage: null, suspension, recent: new Map() });
  }
  const state: DeliveryState = {
    options,
    split: null,
    isSplitStale: false,
    revisions: start.revisions,
    ...typesOf(start.revisions),
    lingers: start.lingers ?? new Map(),
    partitions: start.cursors.map((cursor, index) =>
      partitionAtStart(cursor, start.heads[index] ?? 0),
    ),
    flows,
    until,
    nextId: 1,
    lookedAtMs: 0,
    isStopping: false,
    appliedTotal: 0,
    failedTotal: 0,
  };
  const draft = draftOf(state, 0);
  for (const [index, partition] of state.partitions.entries()) {
    const mine = start.lanes.filter((lane) => lane.partition === index);
    const lanes = mine.map((lane) => {
      return [lane.lane, { ...lane, loaded: [], phase: "rest", loadAtMs: 0 }] as const;
    });
    changePartition(draft, index, { ...partition, lanes: new Map(lanes) });
  }
  return finish(draft).state;
}

function partitionAtStart(cursor: Cursor, head: number): PartitionState {
  const [first] = cursor.open;
  return {
    readTo: first === undefined ? cursor.readTo : first - 1,
    detours: cursor.detours ?? [],
    isCatchingUp: false,
    head,
    isReading: false,
    readAtMs: 0,
    late: [],
    isLateCut: false,
    resume: first === undefined ? null : { upTo: cursor.readTo, open: new Set(cursor.open) },
    waiting: [],
    lingersUntilMs: null,
    lanes: new Map(),
    batches: [],
    keeping: null,
    toKeep: NOTHING_TO_KEEP,
    heldEvents: 0,
    heldBytes: 0,
  };
}

/** The next state and what is to be done; the same input gives the same answer. */
export function stepDelivery(state: DeliveryState, input: DeliveryInput): DeliveryStep {
  const draft = draftOf(state, input.nowMs);
  const touched = apply(draft, input);
  if (draft.everywhere) draft.lookedAtMs = input.nowMs;
  schedule(draft, draft.everywhere ? draft.partitions.keys() : touched);
  return finish(draft);
}

/** Changes the draft and answers the partitions where something may begin now. */
function apply(draft: Draft, input: DeliveryInput): Iterable<number> {
  switch (input.kind) {
    case "ticked":
      return everyPartition(draft, (partition) => retryKeeping(draft, partition));
    case "appended":
      return takeAppended(draft, input.events);
    case "heads":
      return everyPartition(draft, (partition, { head }) =>
        changePartition(draft, partition, { head: Math.max(head, input.heads[partition] ?? 0) }),
      );
    case "read":
      takeRead(draft, input.partition, input);
      return [input.partition];
    case "read-failed":
      changePartition(draft, input.partition, {
        isReading: false,
        late: [],
        isLateCut: false,
        readAtMs: draft.nowMs + RETRY_MS,
      });
      return [input.partition];
    case "split":
      changeSplit(draft, input.split);
      return everyPartition(draft);
    case "configured":
      draft.revisions = input.revisions;
      draft.lingers = input.lingers ?? new Map();
      Object.assign(draft, typesOf(input.revisions));
      return everyPartition(draft);
    case "answered":
      takeAnswer(draft, input.batch, input.outcomes, input.jitter);
      return [input.batch.partition];
    case "unanswered":
      takeOutage(draft, input.batch, input.reason, input.jitter);
      return [input.batch.partition];
    case "stale":
      takeStale(draft, input.batch, input.jitter);
      return [input.batch.partition];
    case "kept":
      kept(draft, input.partition, input.id);
      return [input.partition];
    case "keep-failed":
      keepFailed(draft, input.partition, input.id);
      return [];
    case "parked-read":
      takeParked(draft, input.partition, input.lane, input.events);
      return [input.partition];
    case "parked-read-failed":
      parkedUnread(draft, input.partition, input.lane);
      return [];
    case "redrive":
      redriveKeys(draft, input.key);
      return everyPartition(draft);
    case "stopped":
      draft.isStopping = true;
      return everyPartition(draft);
    default:
      return unreachable(input);
  }
}

function everyPartition(
  draft: Draft,
  act?: (partition: number, state: PartitionState) => void,
): Iterable<number> {
  draft.everywhere = true;
  if (act !== undefined) for (const [index, one] of draft.partitions.entries()) act(index, one);
  return draft.partitions.keys();
}

function retryKeeping(draft: Draft, partition: number): void {
  const { keeping } = partitionOf(draft, partition);
  if (keeping === null || keeping.retryAtMs === null || keeping.retryAtMs > draft.nowMs) return;
  changePartition(draft, partition, { keeping: { ...keeping, retryAtMs: null } });
  draft.effects.push({ kind: "keep", id: keeping.id, partition, keeping });
}

function changeSplit(draft: Draft, split: DeliverySplit | null): void {
  const before = draft.split;
  draft.split = split;
  draft.isSplitStale = false;
  if (split === null || before?.epoch === split.epoch) return;
  // Another division of the keys: nobody is out of order until proved so again, and what belongs
  // to revisions that are gone is forgotten.
  const flows = new Map<string, RevisionFlow>();
  for (const revision of [split.stable, split.candidate]) {
    const flow = revision === null ? undefined : draft.flows.get(revision);
    if (revision !== null && flow !== undefined) flows.set(revision, { ...flow, outage: null });
  }
  draft.flows = flows;
  redriveWithdrawn(draft);
}

function kept(draft: Draft, partition: number, id: number): void {
  const { keeping, toKeep, lanes: before } = partitionOf(draft, partition);
  if (keeping === null || keeping.id !== id) return;
  const lanes = new Map(before);
  for (const { lane: name } of keeping.lanes) {
    const lane = lanes.get(name);
    const isNewer = toKeep.lanes.some(({ lane }) => lane === name);
    if (lane?.phase === "keeping" && !isNewer) lanes.set(name, { ...lane, phase: "rest" });
  }
  for (const name of keeping.clear) lanes.delete(name);
  changePartition(draft, partition, { keeping: null, lanes });
  letGo(
    draft,
    partition,
    keeping.park.map(({ event }) => event),
  );
}

function keepFailed(draft: Draft, partition: number, id: number): void {
  const { keeping } = partitionOf(draft, partition);
  if (keeping === null || keeping.id !== id) return;
  const retryAtMs = draft.nowMs + RETRY_MS;
  changePartition(draft, partition, { keeping: { ...keeping, retryAtMs } });
}

function typesOf(revisions: ReadonlyMap<string, Consumes>) {
  const consumed = new Set<string>();
  const ordered = new Set<string>();
  for (const consumes of revisions.values()) {
    for (const [type, order] of consumes) {
      consumed.add(type);
      if (order === "key") ordered.add(type);
    }
  }
  const unordered = new Set([...consumed].filter((type) => !ordered.has(type)));
  return { consumed, unordered };
}

/** What may be written down of a partition at any moment. */
export function cursorOf(state: DeliveryState, partition: number): Cursor {
  const one = state.partitions[partition];
  if (one === undefined) throw new RangeError(`There is no partition ${partition}.`);
  const open = one.waiting.map(({ offset }) => offset);
  for (const batch of one.batches) {
    for (const event of batch.events.slice(batch.parked)) open.push(event.offset);
  }
  for (const { event } of one.keeping?.park ?? []) open.push(event.offset);
  for (const { event } of one.toKeep.park) open.push(event.offset);
  let { readTo } = one;
  if (one.resume !== null) {
    // Not read that far yet since the start: what was open then still is.
    for (const offset of one.resume.open) if (offset > one.readTo) open.push(offset);
    readTo = one.resume.upTo;
  }
  open.sort((a, b) => a - b);
  return one.detours.length === 0 ? { readTo, open } : { readTo, open, detours: one.detours };
}

/**
 * When the machine wants to be told the time next, or null. Moments at which every partition was
 * looked at already are past: what waits since then waits for something else.
 */
export function wakesAtMs(state: DeliveryState): number | null {
  let atMs = Infinity;
  const consider = (momentMs: number | null): void => {
    if (momentMs !== null && momentMs > state.lookedAtMs) atMs = Math.min(atMs, momentMs);
  };
  for (const { outage, suspension } of state.flows.values()) {
    consider(Math.max(outage?.untilMs ?? 0, suspension?.untilMs ?? 0));
  }
  for (const { lanes, keeping, readAtMs, lingersUntilMs } of state.partitions) {
    consider(readAtMs);
    consider(lingersUntilMs);
    consider(keeping?.retryAtMs ?? null);
    for (const { phase, nextTryAtMs, loadAtMs } of lanes.values()) {
      if (phase === "rest" && nextTryAtMs !== null) consider(Math.max(nextTryAtMs, loadAtMs));
    }
  }
  return atMs === Infinity ? null : atMs;
}

/** Whether nothing is under way: after `stopped` the process may end. */
export function isQuiet(state: DeliveryState): boolean {
  return state.partitions.every(
    ({ batches, keeping, toKeep }) =>
      batches.length === 0 && keeping === null && toKeep.lanes.length + toKeep.park.length === 0,
  );
}

/** Whether a replay has delivered all that belongs to it. */
export function isFinished(state: DeliveryState): boolean {
  const { until } = state;
  if (until === null) return false;
  return state.partitions.every(
    (one, partition) =>
      one.readTo >= (until[partition] ?? 0) &&
      one.detours.length === 0 &&
      one.heldEvents === 0 &&
      one.lanes.size === 0 &&
      one.keeping === null,
  );
}
