/**
 * One producer's outbox on its way into the log, as a pure state machine.
 *
 *   idle -> claiming -> appending -> deleting -> claiming ...
 *
 * Idea: a row's presence is its state. The relay takes the oldest rows that are there, whatever
 * their ids, and deletes them only after the log has committed them. Nothing of it is kept: after a
 * kill at any moment the rows are still there, are appended once more, and the log knows their
 * event ids. An append or a delete whose result is unknown is therefore simply done again.
 *
 * Rejected: a position in the outbox. Ids are given before the commit, so a late commit would lie
 * below the position and be lost.
 */
import { unreachable } from "@tideway/kernel";
import type { OutboxEvent, StoredEvent } from "../carrier.ts";
import { backoffOf } from "./backoff.ts";

/** Rows of one claim. */
export const CLAIM_ROWS_MAX = 500;
/** Bytes of their data; the row that reaches it is the claim's last one. */
export const CLAIM_BYTES_MAX = 4 * 1_048_576;
export const RELAY_BACKOFF = { baseMs: 50, maxMs: 2_000 } as const;

export interface OutboxRow {
  /** The row's own id (`bigint` as text), by which it is deleted. */
  readonly id: string;
  readonly event: OutboxEvent;
}

export interface RelayState {
  readonly phase: "idle" | "claiming" | "appending" | "deleting" | "stopped";
  /** What was claimed and is not deleted yet. */
  readonly rows: readonly OutboxRow[];
  /** A commit was told of since the last claim began. */
  readonly nudged: boolean;
  /** Failures in a row. */
  readonly failures: number;
  /** While set, the phase's effect is not under way but waits for this moment. */
  readonly retryAtMs: number | null;
  readonly stopping: boolean;
}

export type RelayInput =
  /** Somebody committed an event, or the backstop poll is due. */
  | { readonly kind: "nudged" }
  | { readonly kind: "ticked"; readonly nowMs: number }
  /** At most CLAIM_ROWS_MAX rows and as many as reach CLAIM_BYTES_MAX, the lowest ids first. */
  | { readonly kind: "claimed"; readonly rows: readonly OutboxRow[] }
  /** The log has committed all of them, now or before. */
  | { readonly kind: "appended"; readonly events: readonly StoredEvent[] }
  | { readonly kind: "deleted" }
  /** The effect under way did not happen, or nobody knows whether it did. */
  | {
      readonly kind: "failed" | "unknown";
      readonly nowMs: number;
      readonly jitter: number;
    }
  /** Another bus owns the log. */
  | { readonly kind: "fenced" }
  | { readonly kind: "stopped" };

export type RelayEffect =
  | { readonly kind: "claim"; readonly limit: number; readonly bytesMax: number }
  | { readonly kind: "append"; readonly events: readonly OutboxEvent[] }
  /** To the deliveries in memory, so that the log need not be read again. */
  | { readonly kind: "hand-over"; readonly events: readonly StoredEvent[] }
  | { readonly kind: "delete"; readonly ids: readonly string[] };

export interface RelayStep {
  readonly state: RelayState;
  readonly effects: readonly RelayEffect[];
}

export const RELAY_AT_START: RelayState = {
  phase: "idle",
  rows: [],
  nudged: false,
  failures: 0,
  retryAtMs: null,
  stopping: false,
};

/** The next state of the relay and what is to be done; the same input gives the same answer. */
export function stepRelay(state: RelayState, input: RelayInput): RelayStep {
  if (state.phase === "stopped") return { state, effects: [] };
  switch (input.kind) {
    case "nudged":
      return state.phase === "idle" ? claim(state) : still({ ...state, nudged: true });
    case "ticked":
      return state.retryAtMs !== null && state.retryAtMs <= input.nowMs
        ? again({ ...state, retryAtMs: null })
        : still(state);
    case "claimed":
      return claimed(state, input.rows);
    case "appended":
      return appended(state, input.events);
    case "deleted":
      return deleted(state);
    case "failed":
    case "unknown":
      return failed(state, input.nowMs, input.jitter);
    case "fenced":
      return still({ ...state, phase: "stopped", rows: [], retryAtMs: null });
    case "stopped":
      return stop(state);
    default:
      return unreachable(input);
  }
}

function claimed(state: RelayState, rows: readonly OutboxRow[]): RelayStep {
  if (state.phase !== "claiming") return still(state);
  const calm = { ...state, failures: 0 };
  if (rows.length === 0) return rest(calm);
  return {
    state: { ...calm, phase: "appending", rows },
    effects: [{ kind: "append", events: rows.map(({ event }) => event) }],
  };
}

function appended(state: RelayState, events: readonly StoredEvent[]): RelayStep {
  if (state.phase !== "appending") return still(state);
  return {
    state: { ...state, phase: "deleting", failures: 0 },
    effects: [
      { kind: "hand-over", events },
      { kind: "delete", ids: state.rows.map(({ id }) => id) },
    ],
  };
}

function deleted(state: RelayState): RelayStep {
  if (state.phase !== "deleting") return still(state);
  const full = isFull(state.rows);
  const calm = { ...state, rows: [], failures: 0 };
  return full && !state.stopping ? claim(calm) : rest(calm);
}

/** More rows may be there than were claimed. */
function isFull(rows: readonly OutboxRow[]): boolean {
  if (rows.length >= CLAIM_ROWS_MAX) return true;
  let bytes = 0;
  for (const { event } of rows) bytes += Buffer.byteLength(event.data);
  return bytes >= CLAIM_BYTES_MAX;
}

/** Whatever was under way is done again after a while; each of it may be done twice. */
function failed(state: RelayState, nowMs: number, jitter: number): RelayStep {
  if (state.phase === "idle") return still(state);
  if (state.stopping) return still({ ...state, phase: "stopped", rows: [] });
  const failures = state.failures + 1;
  const retryAtMs = nowMs + backoffOf(failures, RELAY_BACKOFF, jitter);
  return still({ ...state, failures, retryAtMs });
}

function again(state: RelayState): RelayStep {
  switch (state.phase) {
    case "claiming":
      return claim(state);
    case "appending":
      return { state, effects: [{ kind: "append", events: state.rows.map((row) => row.event) }] };
    case "deleting":
      return { state, effects: [{ kind: "delete", ids: state.rows.map((row) => row.id) }] };
    case "idle":
    case "stopped":
      return still(state);
    default:
      return unreachable(state.phase);
  }
}

function rest(state: RelayState): RelayStep {
  if (state.stopping) return still({ ...state, phase: "stopped", rows: [] });
  return state.nudged ? claim(state) : still({ ...state, phase: "idle", rows: [] });
}

function claim(state: RelayState): RelayStep {
  return {
    state: { ...state, phase: "claiming", rows: [], nudged: false },
    effects: [{ kind: "claim", limit: CLAIM_ROWS_MAX, bytesMax: CLAIM_BYTES_MAX }],
  };
}

/** What is under way ends first; nothing new begins. */
function stop(state: RelayState): RelayStep {
  const waits = state.phase === "idle" || state.retryAtMs !== null;
  if (waits) return still({ ...state, phase: "stopped", rows: [], retryAtMs: null });
  return still({ ...state, stopping: true });
}

function still(state: RelayState): RelayStep {
  return { state, effects: [] };
}
