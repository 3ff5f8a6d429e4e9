/** The state of one saga, what may happen to it, and what it wants done. */
import type { Outcome, Problem, SagaPlan, SagaRequest } from "./plan.ts";

export type Phase = "running" | "waiting" | "compensating" | "completed" | "compensated";

/**
 * pending: not begun, or known not to have happened. running: begun, and written down before the
 * first try. failed: refused for good. undone, no-undo: what compensation made of it.
 */
export type StepProgress = "pending" | "running" | "done" | "failed" | "undone" | "no-undo";

export interface StepRecord {
  readonly state: StepProgress;
  /** Failed tries, of the step and of its undo. */
  readonly attempts: number;
  readonly key: string;
  /** Null until it was prepared, and for steps that send nothing. */
  readonly request: SagaRequest | null;
  /** Sent one after the other to undo it; written down before the step's first try. */
  readonly undo: readonly SagaRequest[];
  readonly result: unknown;
  /** True when a try may have happened of which nobody heard. Not stored: see `run`. */
  readonly uncertain: boolean;
  readonly begunAtMs: number | null;
  readonly finishedAtMs: number | null;
  /** For a timer: when it is over. */
  readonly wakeAtMs: number | null;
  readonly problem: Problem | null;
}

/** What the machine waits for; never stored. */
export type Doing =
  | { readonly kind: "nothing" }
  | { readonly kind: "preparing" }
  | { readonly kind: "trying" }
  | { readonly kind: "saving"; readonly next: "go-on" | "try" | "release" };

export interface SagaState {
  /** sag_... */
  readonly saga: string;
  readonly plan: SagaPlan;
  readonly phase: Phase;
  /** The index of the step it is at; in compensation, of the step that is being undone. */
  readonly at: number;
  readonly steps: readonly StepRecord[];
  /** Failed tries of what it is at. */
  readonly attempts: number;
  /** When it goes on by itself after it was let go; null when it is over or waits for a signal. */
  readonly dueAtMs: number | null;
  readonly deadlineAtMs: number;
  readonly attention: boolean;
  /** The last failure. */
  readonly problem: Problem | null;
  /** Why it is being compensated. */
  readonly reason: Problem | null;
  readonly signals: Readonly<Record<string, unknown>>;
  /** True while the person who asked for it waits and may act; never stored. */
  readonly attended: boolean;
  readonly doing: Doing;
  /** The state before a transaction that is open now and ends with the next save; never stored. */
  readonly before: SagaState | null;
}

/** `nowMs` is the database's clock; `jitter` lies in [0, 1). */
export type SagaInput =
  /** A worker holds the lease and has read the state; or the saga is new, within its first transaction. */
  | {
      readonly kind: "run";
      readonly nowMs: number;
      readonly attended: boolean;
      readonly signals: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: "prepared";
      readonly nowMs: number;
      readonly request: SagaRequest | null;
      readonly undo: readonly SagaRequest[];
      /** For a timer. */
      readonly waitMs: number | null;
    }
  | {
      readonly kind: "answered";
      readonly nowMs: number;
      readonly jitter: number;
      readonly outcome: Outcome;
    }
  /** What became of a save: it is there. */
  | { readonly kind: "committed"; readonly nowMs: number }
  /** It was rolled back for certain, with the transaction it belongs to. */
  | {
      readonly kind: "failed";
      readonly nowMs: number;
      readonly jitter: number;
      readonly problem: Problem;
    }
  /** The commit's answer was lost. */
  | { readonly kind: "unknown" }
  /** The fence had moved on: somebody else holds the saga. */
  | { readonly kind: "fenced" }
  /** Commands of an operator, on a state that was read and is locked. */
  | { readonly kind: "compensate"; readonly nowMs: number; readonly problem: Problem }
  | { readonly kind: "retry"; readonly nowMs: number };

export type SagaEffect =
  /** Build the request and its undo from the saga's data. Touches nothing. */
  | { readonly kind: "prepare"; readonly step: number }
  /**
   * Open a transaction and run the step in it. The next save belongs to it and commits it, unless
   * the state then has `before` null: the step failed, and its transaction is rolled back first.
   */
  | { readonly kind: "run-tx"; readonly step: number }
  | { readonly kind: "call"; readonly step: number; readonly request: SagaRequest }
  /** Ask what became of the call; `final` makes sure that it never happens. */
  | {
      readonly kind: "settle";
      readonly step: number;
      readonly request: SagaRequest;
      readonly final: boolean;
    }
  | { readonly kind: "undo"; readonly step: number; readonly requests: readonly SagaRequest[] }
  /** As `run-tx`, for an undo within the service's own database. */
  | { readonly kind: "undo-tx"; readonly step: number }
  /** Write the state down where the fence is still ours. `release` gives the lease back with it. */
  | { readonly kind: "save"; readonly release: boolean }
  /** The lease was given back with the last save. Nothing more to do. */
  | { readonly kind: "released" }
  /** Stop and write nothing: somebody else holds it, or what the database holds is not known. */
  | { readonly kind: "abandon" }
  /** An operator's command is not possible. */
  | { readonly kind: "refuse"; readonly code: "SAGA_PAST_PIVOT" | "SAGA_OVER" };

export interface Stepped {
  readonly state: SagaState;
  /** None or one. */
  readonly effects: readonly SagaEffect[];
}
