/**
 * What becomes of the events of one delivery. Pure: the driver executes effects and tells how they
 * ended; the simulator does the same with a modelled database.
 *
 *   batch:   claim all ─> handle each ─> commit ─────────────────────────> answer
 *                │            └ failed, too slow, conflict: rollback ─> single
 *                └ some are refused by themselves (unknown type, wrong data): rollback, without them
 *   single:  claim one ─> handle ─> commit ─> the next one ... ──────────> answer
 *                             └ failed: rollback, later events of its key are skipped
 *
 * Invariants:
 * 1. A claim writes inbox rows in the very transaction in which the handler runs, so that an event
 *    is known if and only if its effect is there. What a claim does not get is a duplicate.
 * 2. Within a key the order of the delivery holds: after an event that failed none is tried.
 * 3. Nothing is told of a delivery whose database did not answer ("refuse"): that is no try. An
 *    unknown end of a commit is the same, as the inbox will know at the next delivery.
 *
 * Claimed are also events that will be refused: one that another revision has applied already is a
 * duplicate here too, however little this revision understands of it.
 */
import { InvariantBroken, invariant, present, unreachable } from "@tideway/kernel";

/** Milliseconds after which a batch gives up being one transaction. */
export const BATCH_MS_MAX = 8_000;
/** How often one event is tried again after a deadlock before it counts as an outage. */
export const CONFLICTS_MAX = 3;

export interface Failure {
  readonly code: string;
  readonly detail: string;
}

export interface InboxEvent {
  readonly id: string;
  readonly replay: number;
  readonly key: string;
  /** Set for what cannot be handled whoever tries: unknown type, wrong data. */
  readonly refusal: Failure | null;
}

export type InboxOutcome = "applied" | "duplicate" | "failed" | "skipped";

export interface InboxResult {
  readonly id: string;
  readonly outcome: InboxOutcome;
  readonly failure: Failure | null;
}

export type InboxInput =
  | {
      readonly kind: "delivered";
      readonly events: readonly InboxEvent[];
      /** No event is begun after this moment; what is left over is skipped. */
      readonly deadlineMs: number;
      readonly nowMs: number;
    }
  /** The rows that were inserted; what is missing was there, committed by somebody. */
  | { readonly kind: "claimed"; readonly fresh: readonly number[]; readonly nowMs: number }
  | { readonly kind: "handled"; readonly nowMs: number }
  /** `isFinal`: it had its share of the time and is not tried again in this delivery. */
  | {
      readonly kind: "handler-failed";
      readonly failure: Failure;
      readonly isFinal: boolean;
      readonly nowMs: number;
    }
  | { readonly kind: "committed"; readonly nowMs: number }
  /** COMMIT was answered with ROLLBACK, or a deferred constraint refused it: nothing happened. */
  | { readonly kind: "commit-refused"; readonly failure: Failure; readonly nowMs: number }
  /** A deadlock or serialization failure: nothing happened, and a repeat may succeed. */
  | { readonly kind: "conflict"; readonly nowMs: number }
  /** No database, too busy, nobody waits any more, or a commit whose end is not known. */
  | { readonly kind: "unavailable" };

export type InboxEffect =
  /** Begin a transaction and insert the inbox rows of these events, in one statement. */
  | { readonly kind: "claim"; readonly indexes: readonly number[] }
  /** Run the handler of this event in the open transaction. */
  | { readonly kind: "handle"; readonly index: number }
  | { readonly kind: "commit" }
  /** End the open transaction without effect. Has no input of its own. */
  | { readonly kind: "rollback" }
  | { readonly kind: "answer"; readonly results: readonly InboxResult[] }
  /** Answer 503: nothing is known of any event. */
  | { readonly kind: "refuse" };

interface Settled {
  readonly outcome: InboxOutcome;
  readonly failure: Failure | null;
}

export interface InboxState {
  readonly phase: "idle" | "claiming" | "handling" | "committing" | "done";
  readonly mode: "batch" | "single";
  readonly events: readonly InboxEvent[];
  /** For a second mention of an event in one delivery: the index of the first; else its own. */
  readonly firstOf: readonly number[];
  readonly settled: ReadonlyMap<number, Settled>;
  /** Of the open transaction: what it claimed, what it got, and how many of these are handled. */
  readonly claimed: readonly number[];
  readonly fresh: readonly number[];
  readonly handled: number;
  readonly conflicts: number;
  readonly batchEndsMs: number;
  readonly deadlineMs: number;
}

export interface InboxStep {
  readonly state: InboxState;
  /** To be executed in this order; the last one's end is the next input. */
  readonly effects: readonly InboxEffect[];
}

export const inboxIdle: InboxState = {
  phase: "idle",
  mode: "batch",
  events: [],
  firstOf: [],
  settled: new Map(),
  claimed: [],
  fresh: [],
  handled: 0,
  conflicts: 0,
  batchEndsMs: 0,
  deadlineMs: 0,
};

/** The next state and what to do. An input that the phase does not wait for breaks an invariant. */
export function stepInbox(state: InboxState, input: InboxInput): InboxStep {
  switch (input.kind) {
    case "delivered":
      return begin(state, input);
    case "claimed":
      return onClaimed(expecting(state, "claiming"), input.fresh, input.nowMs);
    case "handled":
      return onHandled(expecting(state, "handling"), input.nowMs);
    case "handler-failed":
      return onFailed(expecting(state, "handling"), input);
    case "committed":
      return onCommitted(expecting(state, "committing"), input.nowMs);
    case "commit-refused":
      return onFailed(expecting(state, "committing"), { ...input, isFinal: false });
    case "conflict":
      return onConflict(expecting(state, "claiming", "handling", "committing"), input.nowMs);
    case "unavailable":
      return refuse(expecting(state, "claiming", "handling", "committing"));
    default:
      return unreachable(input);
  }
}

function begin(
  idle: InboxState,
  input: Extract<InboxInput, { readonly kind: "delivered" }>,
): InboxStep {
  expecting(idle, "idle");
  const places = new Map<string, number>();
  const firstOf = input.events.map((event, index) => {
    const name = `${event.id} ${event.replay}`;
    const first = places.get(name) ?? index;
    places.set(name, first);
    return first;
  });
  return next(
    {
      ...idle,
      events: input.events,
      firstOf,
      deadlineMs: input.deadlineMs,
      batchEndsMs: input.nowMs + BATCH_MS_MAX,
    },
    input.nowMs,
  );
}

/** Opens the next transaction over what is not settled yet, or answers. */
function next(state: InboxState, nowMs: number): InboxStep {
  const open = openIndexes(state);
  if (open.length === 0) return answer(state);
  if (nowMs >= state.deadlineMs) {
    return answer(settle(state, open, { outcome: "skipped", failure: null }));
  }
  const indexes = state.mode === "batch" ? open : open.slice(0, 1);
  return {
    state: { ...state, phase: "claiming", claimed: indexes, fresh: [], handled: 0 },
    effects: [{ kind: "claim", indexes }],
  };
}

function onClaimed(state: InboxState, fresh: readonly number[], nowMs: number): InboxStep {
  const isFresh = new Set(fresh);
  const known = state.claimed.filter((index) => !isFresh.has(index));
  let after = settle(state, known, { outcome: "duplicate", failure: null });
  const refused = fresh.filter((index) => eventAt(state, index).refusal !== null);
  if (refused.length > 0) {
    for (const index of refused) {
      // An earlier one of its key may have been refused, and then this one was not tried.
      if (after.settled.has(index)) continue;
      after = fail(after, index, present(eventAt(state, index).refusal, "It was selected by it."));
    }
    return afterRollback(after, nowMs);
  }
  if (fresh.length === 0) return afterRollback(after, nowMs);
  const ordered = [...fresh].sort((a, b) => a - b);
  return handleNext({ ...after, phase: "handling", fresh: ordered, handled: 0 });
}

function handleNext(state: InboxState): InboxStep {
  const index = state.fresh[state.handled];
  if (index === undefined) {
    return { state: { ...state, phase: "committing" }, effects: [{ kind: "commit" }] };
  }
  return { state, effects: [{ kind: "handle", index }] };
}

function onHandled(state: InboxState, nowMs: number): InboxStep {
  const after = { ...state, handled: state.handled + 1 };
  const isLate = state.mode === "batch" && nowMs >= state.batchEndsMs;
  // Committed in small parts, slow handlers still get somewhere before the delivery's time is over.
  if (isLate && after.handled < state.fresh.length) return onebyone(after, nowMs);
  return handleNext(after);
}

function onCommitted(state: InboxState, nowMs: number): InboxStep {
  const applied = settle(state, state.fresh, { outcome: "applied", failure: null });
  return next({ ...applied, conflicts: 0 }, nowMs);
}

function onFailed(
  state: InboxState,
  input: { readonly failure: Failure; readonly isFinal: boolean; readonly nowMs: number },
): InboxStep {
  const { failure, isFinal, nowMs } = input;
  // Of a batch that could not commit nobody knows whose fault it was.
  if (state.mode === "batch" && !isFinal) return onebyone(state, nowMs);
  const index = present(state.fresh[state.handled] ?? state.fresh.at(-1), "It was handling one.");
  return onebyone(fail({ ...state, conflicts: 0 }, index, failure), nowMs);
}

function onConflict(state: InboxState, nowMs: number): InboxStep {
  if (state.mode === "batch") return onebyone(state, nowMs);
  if (state.conflicts >= CONFLICTS_MAX) return refuse(state);
  return onebyone({ ...state, conflicts: state.conflicts + 1 }, nowMs);
}

function onebyone(state: InboxState, nowMs: number): InboxStep {
  return afterRollback({ ...state, mode: "single" }, nowMs);
}

function afterRollback(state: InboxState, nowMs: number): InboxStep {
  const after = next(state, nowMs);
  return { state: after.state, effects: [{ kind: "rollback" }, ...after.effects] };
}

/**
 * Settles a failure, and skips the later events of its key: those that nothing is known of yet, and
 * those that were refused already when it had not been tried itself.
 */
function fail(state: InboxState, index: number, failure: Failure): InboxState {
  const { key } = eventAt(state, index);
  const settled = new Map(state.settled);
  settled.set(index, { outcome: "failed", failure });
  for (let later = index + 1; later < state.events.length; later++) {
    if (eventAt(state, later).key !== key || state.firstOf[later] !== later) continue;
    const known = settled.get(later)?.outcome ?? "failed";
    if (known === "failed") settled.set(later, { outcome: "skipped", failure: null });
  }
  return { ...state, settled };
}

function settle(state: InboxState, indexes: readonly number[], how: Settled): InboxState {
  if (indexes.length === 0) return state;
  const settled = new Map(state.settled);
  for (const index of indexes) {
    invariant(!settled.has(index), "What became of an event is decided once.");
    settled.set(index, how);
  }
  return { ...state, settled };
}

function answer(state: InboxState): InboxStep {
  const results = state.events.map((event, index): InboxResult => {
    const first = present(state.firstOf[index], "There is one for each event.");
    const how = present(state.settled.get(first), "An answer tells of every event.");
    if (first === index) return { id: event.id, ...how };
    const isThere = how.outcome === "applied" || how.outcome === "duplicate";
    return { id: event.id, outcome: isThere ? "duplicate" : "skipped", failure: null };
  });
  return { state: { ...state, phase: "done" }, effects: [{ kind: "answer", results }] };
}

function refuse(state: InboxState): InboxStep {
  return {
    state: { ...state, phase: "done" },
    effects: [{ kind: "rollback" }, { kind: "refuse" }],
  };
}

/** What nothing is known of yet, in the delivery's order. */
function openIndexes(state: InboxState): number[] {
  return state.events.flatMap((_, index) =>
    state.firstOf[index] === index && !state.settled.has(index) ? [index] : [],
  );
}

function eventAt(state: InboxState, index: number): InboxEvent {
  return present(state.events[index], `The delivery has no event at ${index}.`);
}

function expecting(state: InboxState, ...phases: readonly InboxState["phase"][]): InboxState {
  if (phases.includes(state.phase)) return state;
  throw new InvariantBroken(`The inbox is ${state.phase}; it should be ${phases.join(" or ")}.`);
}
