/**
 * A saga's plan: its list of steps as data, frozen into the saga's row when it starts. What a step
 * does is code of the service; what kind of step it is, and how it is undone, is data.
 */

/**
 * `tx`: in the service's own database. `call`: a request to another service. `reserve`: a call that
 * holds something; its undo cancels the hold. `confirm`: turns a hold into the real thing. `pivot`:
 * after it there is no way back. `timer`, `signal`: wait.
 */
export type StepKind = "tx" | "call" | "reserve" | "confirm" | "pivot" | "timer" | "signal";

export interface StepPlan {
  readonly name: string;
  readonly kind: StepKind;
  /** True when it is done by a transaction of the service's own database and not by a call. */
  readonly local: boolean;
  /** True when another transaction of the service's own undoes it; for local steps. */
  readonly localUndo: boolean;
  /**
   * Set for a call that needs the person who asked for it: a run without that person does not call
   * but asks what became of the call, and so long after it began makes sure that it never happens.
   */
  readonly settleAfterMs: number | null;
  /**
   * True when a refusal of the callee holds for the key for ever (the ledger burns ids). Otherwise a
   * refusal that follows an unknown try proves nothing: that try may still be under way.
   */
  readonly refusalsHold: boolean;
}

export interface SagaPlan {
  readonly name: string;
  readonly version: number;
  /** Before the pivot began, a saga older than this is given up and compensated. */
  readonly deadlineMs: number;
  readonly steps: readonly StepPlan[];
}

/** A request as it is kept: enough for any revision, and for an operator, to send it. */
export interface SagaRequest {
  /** `self` for the service that runs the saga. */
  readonly service: string;
  /** `TX` for what a transaction of the service itself does; the path then names the step. */
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "TX";
  /** Below /api/<service>. */
  readonly path: string;
  readonly body: unknown;
  /** The Idempotency-Key: the same for every try. */
  readonly key: string;
  /** Codes of refusals that say that there is nothing left to do; for undos. */
  readonly fine?: readonly string[];
}

/** What went wrong, without payload. */
export interface Problem {
  readonly code: string;
  readonly detail: string;
}

/** What is known after a try. */
export type Outcome =
  | { readonly kind: "done"; readonly result: unknown }
  /** It did not happen, and asking again changes nothing. */
  | { readonly kind: "refused"; readonly problem: Problem }
  /** It did not happen; asking again may help. */
  | { readonly kind: "busy"; readonly problem: Problem }
  /** Nobody knows whether it happened: no answer, or a 5xx. */
  | { readonly kind: "unknown"; readonly problem: Problem };

/** Where there is no way back any more: the pivot, or else the first confirmation; -1 for none. */
export function pivotIndexOf(plan: SagaPlan): number {
  const pivot = plan.steps.findIndex((step) => step.kind === "pivot");
  return pivot >= 0 ? pivot : plan.steps.findIndex((step) => step.kind === "confirm");
}

/** The Idempotency-Key of a step: it follows from saga and step, so every try has the same one. */
export function keyOfStep(saga: string, step: string): string {
  return `${saga}.${step}`;
}

/** The undo of a step that a transaction of the service itself undoes, as it is kept. */
export function localUndoOf(step: StepPlan, key: string): readonly SagaRequest[] {
  if (!step.localUndo) return [];
  const path = `/${step.name}`;
  return [{ service: "self", method: "TX", path, body: null, key: `${key}.undo` }];
}
