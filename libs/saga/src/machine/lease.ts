/**
 * The lease on a saga, seen by its holder, as a pure function; and the row's side of it, which is
 * what the SQL does, for the simulator.
 *
 * The database's clock alone says when a lease is over. The holder counts from the moment it *sent*
 * the claim or renewal, on a clock that only grows, so it believes in its lease for a shorter time
 * than the database does. Belief only spares useless work: what protects the rows is the fence, a
 * number that each claim raises and that every write compares.
 */
import { unreachable } from "@tideway/kernel";

export const LEASE_MS = 5_000;
export const RENEW_EVERY_MS = 1_500;

export type LeaseState =
  | { readonly kind: "free" }
  | { readonly kind: "claiming"; readonly sentAtMs: number }
  | {
      readonly kind: "held";
      readonly fence: number;
      /** When the last claim or renewal that was answered was sent. */
      readonly sentAtMs: number;
      readonly renewingSinceMs: number | null;
    }
  | { readonly kind: "lost" };

/** `nowMs` is the holder's own clock that only grows. */
export type LeaseInput =
  | { readonly kind: "claim"; readonly nowMs: number }
  | { readonly kind: "claimed"; readonly fence: number }
  | { readonly kind: "refused" }
  | { readonly kind: "tick"; readonly nowMs: number }
  | { readonly kind: "renewed" }
  /** The fence moved on. */
  | { readonly kind: "fenced" }
  /** The answer to a claim or renewal was lost, or the database is away. */
  | { readonly kind: "unknown" }
  | { readonly kind: "released" };

export type LeaseEffect =
  | { readonly kind: "claim" }
  | { readonly kind: "renew"; readonly fence: number }
  /** Begin nothing more for this saga; what is under way may end, its writes will be refused. */
  | { readonly kind: "stop" };

export interface LeaseStepped {
  readonly state: LeaseState;
  readonly effects: readonly LeaseEffect[];
}

export function stepLease(state: LeaseState, input: LeaseInput): LeaseStepped {
  switch (input.kind) {
    case "claim":
      if (state.kind !== "free") return { state, effects: [] };
      return {
        state: { kind: "claiming", sentAtMs: input.nowMs },
        effects: [{ kind: "claim" }],
      };
    case "claimed":
      if (state.kind !== "claiming") return { state, effects: [] };
      return {
        state: {
          kind: "held",
          fence: input.fence,
          sentAtMs: state.sentAtMs,
          renewingSinceMs: null,
        },
        effects: [],
      };
    case "tick":
      return state.kind === "held" ? tick(state, input.nowMs) : { state, effects: [] };
    case "renewed":
      if (state.kind !== "held" || state.renewingSinceMs === null) return { state, effects: [] };
      return {
        state: { ...state, sentAtMs: state.renewingSinceMs, renewingSinceMs: null },
        effects: [],
      };
    case "unknown":
      if (state.kind === "claiming") return { state: { kind: "free" }, effects: [] };
      if (state.kind !== "held") return { state, effects: [] };
      return { state: { ...state, renewingSinceMs: null }, effects: [] };
    case "refused":
    case "released":
      return { state: { kind: "free" }, effects: [] };
    case "fenced":
      return { state: { kind: "lost" }, effects: state.kind === "held" ? [{ kind: "stop" }] : [] };
    default:
      return unreachable(input);
  }
}

function tick(state: Extract<LeaseState, { kind: "held" }>, nowMs: number): LeaseStepped {
  if (nowMs - state.sentAtMs >= LEASE_MS)
    return { state: { kind: "lost" }, effects: [{ kind: "stop" }] };
  if (state.renewingSinceMs !== null || nowMs - state.sentAtMs < RENEW_EVERY_MS) {
    return { state, effects: [] };
  }
  return {
    state: { ...state, renewingSinceMs: nowMs },
    effects: [{ kind: "renew", fence: state.fence }],
  };
}

/** The columns of a saga's row that make up its lease. */
export interface LeaseRow {
  readonly owner: string | null;
  readonly fence: number;
  /** While it is held: when the lease ends. Else when it is due; null for never. */
  readonly dueAtMs: number | null;
}

/** The row after a claim, or null when it is not to be had. `nowMs` is the database's clock. */
export function claimRow(row: LeaseRow, owner: string, nowMs: number): LeaseRow | null {
  if (row.dueAtMs === null || row.dueAtMs > nowMs) return null;
  return { owner, fence: row.fence + 1, dueAtMs: nowMs + LEASE_MS };
}

/** The row after a renewal, or null when the fence has moved on. */
export function renewRow(row: LeaseRow, fence: number, nowMs: number): LeaseRow | null {
  return mayWrite(row, fence) ? { ...row, dueAtMs: nowMs + LEASE_MS } : null;
}

/** What every write of a holder compares, within its own transaction. */
export function mayWrite(row: LeaseRow, fence: number): boolean {
  return row.fence === fence;
}
