/** What becomes of a batch when its answer is there, or when there is none. */
import { present } from "@tideway/kernel";
import {
  changeFlow,
  changeLane,
  changePartition,
  flowOf,
  letGo,
  partitionOf,
  putBack,
  toKeep,
} from "./draft.ts";
import type { Draft } from "./draft.ts";
import { backoffOf } from "./backoff.ts";
import type { Batch, DeliverableEvent, Outcome, RevisionFlow } from "./delivery-types.ts";
import { countTry, redriveWithdrawn, release } from "./lanes.ts";

/** Lanes whose last outcome is remembered for the decision to suspend. */
const RECENT_LANES_MAX = 256;

/** An instance answered, so what failed is a failed try, unless the revision is suspended. */
export function takeAnswer(
  draft: Draft,
  batch: Batch,
  outcomes: readonly Outcome[],
  jitter: number,
): void {
  if (!removeBatch(draft, batch)) return;
  const sorted = sortOutcomes(batch, outcomes);
  const hasMoved = sorted.done.length + sorted.failed.length > 0;
  if (!hasMoved) {
    // Everything skipped: without a pause it would be sent again at once, for ever.
    returnBatch(draft, batch);
    beginOutage(draft, batch.revision, "It skipped every event of a batch.", jitter);
    return;
  }
  if (flowOf(draft, batch.revision).outage !== null) {
    changeFlow(draft, batch.revision, { outage: null });
    // The others waited for this one to find out.
    draft.everywhere = true;
  }
  judge(draft, batch, sorted, jitter);
  const { suspension } = flowOf(draft, batch.revision);
  const isWithdrawn =
    batch.revision !== draft.split?.stable && batch.revision !== draft.split?.candidate;
  // A probe's failures are no tries either, also when it ends the suspension.
  const counts = suspension === null && !batch.isProbe && !isWithdrawn;
  finishDone(draft, batch, sorted.done);
  const back = counts ? sorted.skipped : [...sorted.skipped, ...sorted.failed];
  for (const one of back) restOf(draft, batch, one);
  putBack(
    draft,
    batch.partition,
    back.filter(({ index }) => index >= batch.parked).map(({ event }) => event),
  );
  draft.appliedTotal += sorted.done.length;
  draft.failedTotal += sorted.failed.length;
  if (counts) for (const one of sorted.failed) fail(draft, batch, one, jitter);
  if (isWithdrawn) redriveWithdrawn(draft);
}

/** Nothing is known: all of it goes again after a pause that grows, and nothing counts as a try. */
export function takeOutage(draft: Draft, batch: Batch, reason: string, jitter: number): void {
  if (!removeBatch(draft, batch)) return;
  returnBatch(draft, batch);
  beginOutage(draft, batch.revision, reason, jitter);
}

/** The split is another one by now: ask for it, then decide anew. */
export function takeStale(draft: Draft, batch: Batch, jitter: number): void {
  if (!removeBatch(draft, batch)) return;
  returnBatch(draft, batch);
  beginOutage(draft, batch.revision, "The gateway's split has changed.", jitter);
  // The gateway may have told the new split while this answer was on its way.
  if (draft.split === null || batch.epoch === draft.split.epoch) draft.isSplitStale = true;
  if (draft.isSplitStale) draft.effects.push({ kind: "refresh-split" });
}

interface Sorted {
  readonly done: readonly Sent[];
  readonly failed: readonly Sent[];
  readonly skipped: readonly Sent[];
}

interface Sent {
  readonly event: DeliverableEvent;
  /** Its place in the batch. */
  readonly index: number;
  readonly lane: string;
  readonly outcome: Outcome;
}

/**
 * What stands behind a failed event of its lane was not applied in order, whatever is said of it.
 */
function sortOutcomes(batch: Batch, outcomes: readonly Outcome[]): Sorted {
  const done: Sent[] = [];
  const failed: Sent[] = [];
  const skipped: Sent[] = [];
  const failedLanes = new Set<string>();
  for (const [index, event] of batch.events.entries()) {
    const outcome = outcomes[index] ?? { outcome: "skipped" };
    const lane = laneIn(batch, index);
    const sent = { event, index, lane, outcome };
    if (outcome.outcome === "applied" || outcome.outcome === "duplicate") done.push(sent);
    else if (outcome.outcome === "skipped" || failedLanes.has(lane)) skipped.push(sent);
    else {
      failed.push(sent);
      failedLanes.add(lane);
    }
  }
  return { done, failed, skipped };
}

function laneIn({ lanes }: Batch, index: number): string {
  return present(lanes[index], "A batch names the lane of each of its events.");
}

function removeBatch(draft: Draft, batch: Batch): boolean {
  const { batches } = partitionOf(draft, batch.partition);
  const rest = batches.filter(({ id }) => id !== batch.id);
  if (rest.length === batches.length) return false;
  changePartition(draft, batch.partition, { batches: rest });
  return true;
}

function returnBatch(draft: Draft, batch: Batch): void {
  for (const lane of batch.lanes.slice(0, batch.parked)) restLane(draft, batch.partition, lane);
  putBack(draft, batch.partition, batch.events.slice(batch.parked));
}

function restOf(draft: Draft, batch: Batch, { index, lane }: Sent): void {
  if (index < batch.parked) restLane(draft, batch.partition, lane);
}

function restLane(draft: Draft, partition: number, lane: string): void {
  if (partitionOf(draft, partition).lanes.get(lane)?.phase !== "in-flight") return;
  changeLane(draft, partition, lane, { phase: "rest" });
}

function finishDone(draft: Draft, batch: Batch, done: readonly Sent[]): void {
  for (const one of done) {
    if (one.index >= batch.parked) continue;
    release(draft, batch.partition, one.lane, one.event);
    restLane(draft, batch.partition, one.lane);
  }
  const fromLog = done.filter(({ index }) => index >= batch.parked);
  letGo(
    draft,
    batch.partition,
    fromLog.map(({ event }) => event),
  );
}

function fail(draft: Draft, batch: Batch, one: Sent, jitter: number): void {
  const { event, lane, outcome } = one;
  countTry(draft, batch.partition, { lane, event, outcome, revision: batch.revision, jitter });
  if (one.index >= batch.parked) toKeep(draft, batch.partition, { park: [{ lane, event }] });
}

function beginOutage(draft: Draft, revision: string, reason: string, jitter: number): void {
  const { outage } = flowOf(draft, revision);
  // Several batches that were under way together are one outage.
  if (outage !== null && outage.untilMs > draft.nowMs) return;
  const failures = (outage?.failures ?? 0) + 1;
  const untilMs = draft.nowMs + backoffOf(failures, draft.options.outageMs, jitter);
  changeFlow(draft, revision, { outage: { failures, untilMs, reason } });
}

/**
 * Suspends a revision that fails most of what it is tried with, and ends that after a good probe.
 */
function judge(draft: Draft, batch: Batch, sorted: Sorted, jitter: number): void {
  const flow = flowOf(draft, batch.revision);
  const tried = new Map<string, { readonly atMs: number; readonly failed: boolean }>();
  const atMs = draft.nowMs;
  for (const { lane } of sorted.done) tried.set(lane, { atMs, failed: false });
  for (const { lane } of sorted.failed) tried.set(lane, { atMs, failed: true });
  if (flow.suspension !== null) {
    // What was sent before the suspension says nothing new.
    if (batch.isProbe) judgeProbe(draft, batch, tried, jitter);
    return;
  }
  if (sorted.failed.length === 0 && isNothingNew(draft, flow, tried)) return;
  const recent = remember(draft, flow, tried);
  changeFlow(draft, batch.revision, { recent });
  if (sorted.failed.length === 0) return;
  const failing = countFailing(recent);
  const { suspendLanesMin, lanesMax } = draft.options;
  let reason: string | null = null;
  if (recent.size >= suspendLanesMin && failing * 2 >= recent.size) {
    const first = sorted.failed[0]?.outcome;
    const share = `${failing} of ${recent.size} keys`;
    reason = `${batch.revision} failed ${share}; last ${first?.code ?? "UNKNOWN"}.`;
  } else if (lanesInTrouble(draft) >= lanesMax) {
    reason = `${lanesMax} keys are in trouble, more than the bus may hold.`;
  }
  if (reason !== null) suspend(draft, batch.revision, reason, jitter);
}

function suspend(draft: Draft, revision: string, reason: string, jitter: number): void {
  const untilMs = draft.nowMs + backoffOf(1, draft.options.probeMs, jitter);
  const suspension = {
    sinceMs: draft.nowMs,
    reason,
    probes: 0,
    untilMs,
    probed: new Set<string>(),
  };
  changeFlow(draft, revision, { suspension });
}

function judgeProbe(
  draft: Draft,
  { revision }: Batch,
  tried: RevisionFlow["recent"],
  jitter: number,
): void {
  const { suspension } = flowOf(draft, revision);
  if (suspension === null) return;
  if (countFailing(tried) * 2 < tried.size) {
    changeFlow(draft, revision, { suspension: null, recent: tried });
    draft.everywhere = true;
    return;
  }
  const probes = suspension.probes + 1;
  const untilMs = draft.nowMs + backoffOf(probes + 1, draft.options.probeMs, jitter);
  const wasProbed = [...tried.keys()].some((lane) => suspension.probed.has(lane));
  const probed = new Set([...(wasProbed ? [] : suspension.probed), ...tried.keys()]);
  changeFlow(draft, revision, { suspension: { ...suspension, probes, untilMs, probed } });
}

/**
 * As long as all goes well, one good outcome is like another: with all of these lanes remembered,
 * or as many as are remembered at all, nothing is written anew until the oldest is half forgotten.
 */
function isNothingNew(
  draft: Draft,
  { recent }: RevisionFlow,
  tried: RevisionFlow["recent"],
): boolean {
  const halfMs = draft.nowMs - draft.options.suspendWindowMs / 2;
  for (const { atMs, failed } of recent.values()) if (failed || atMs < halfMs) return false;
  if (recent.size >= RECENT_LANES_MAX) return true;
  for (const lane of tried.keys()) if (!recent.has(lane)) return false;
  return true;
}

function remember(
  draft: Draft,
  flow: RevisionFlow,
  tried: RevisionFlow["recent"],
): RevisionFlow["recent"] {
  const recent = new Map(flow.recent);
  for (const [lane, outcome] of tried) {
    recent.delete(lane);
    recent.set(lane, outcome);
  }
  // The map keeps the order of insertion, so the oldest stand first.
  const sinceMs = draft.nowMs - draft.options.suspendWindowMs;
  for (const [lane, { atMs }] of recent) {
    if (recent.size <= RECENT_LANES_MAX && atMs >= sinceMs) break;
    recent.delete(lane);
  }
  return recent;
}

function countFailing(lanes: RevisionFlow["recent"]): number {
  let failing = 0;
  for (const { failed } of lanes.values()) if (failed) failing++;
  return failing;
}

function lanesInTrouble(draft: Draft): number {
  let count = 0;
  for (const { lanes } of draft.partitions) count += lanes.size;
  return count;
}
