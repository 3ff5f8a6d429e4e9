/**
 * A saga's definition: its steps in their order, with the functions that build requests from data.
 *
 * Functions that build requests must be pure: they run before the step is written down, and again
 * when that could not be done. Ids that leave the service come from `context.id`.
 */
import type { Transaction } from "@tideway/store";
import type { Static, TSchema } from "typebox";
import type { Outcome, Problem, SagaPlan, SagaRequest, StepKind } from "./machine/plan.ts";

export interface SagaContext<D = unknown> {
  /** sag_... */
  readonly saga: string;
  readonly data: D;
  /** What the steps before answered: step -> result. */
  readonly results: Readonly<Record<string, unknown>>;
  /** The Idempotency-Key of the step. */
  readonly key: string;
  /** Why it is being compensated; null while it goes forward. */
  readonly reason: Problem | null;
  /** The id that follows from saga, step and prefix: the same at every try, on every revision. */
  id(prefix: string, step?: string): Promise<string>;
}

/** A request as a step gives it; the key is added. */
export interface RequestDraft {
  readonly service: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below /api/<service>, with every id already in it. */
  readonly path: string;
  readonly body?: unknown;
  readonly fine?: readonly string[];
}

type Build<D, T> = (context: SagaContext<D>) => T | Promise<T>;
type Run<D> = (t: Transaction, context: SagaContext<D>) => unknown;

export interface CallOptions<D> {
  readonly request: Build<D, RequestDraft>;
  /**
   * What undoes it, also when nobody knows whether it happened: it must then make sure that it never
   * will (cancel or burn by the key). `none` where there is nothing to undo.
   */
  readonly undo: "none" | Build<D, readonly RequestDraft[]>;
  /** True when a refusal of the callee holds for this key for ever. */
  readonly refusalsHold?: boolean;
  /** Sends the request otherwise than by its address: by a typed client, say. */
  readonly send?: SendStep;
  /** Reads failures otherwise than `outcomeOfCall` does; may ask further. */
  readonly outcomeOf?: ReadFailure<D>;
}

export type SendStep = (request: SagaRequest, signal: AbortSignal) => Promise<unknown>;
type ReadFailure<D> = (error: unknown, context: SagaContext<D>) => Outcome | Promise<Outcome>;

export interface PivotOptions<D> extends Omit<CallOptions<D>, "undo"> {
  /** For a call that needs the person who asked: see `SettleOptions`. */
  readonly settle?: SettleOptions<D>;
}

export interface SettleOptions<D> {
  /** So long after it began (milliseconds) it is made sure that it never happens. */
  readonly afterMs: number;
  /**
   * Done: it happened. Refused: it did not, and never will. Anything else: not known yet. Only when
   * `final` may it make sure that it never will.
   */
  readonly ask: (context: SagaContext<D>, ask: { readonly final: boolean }) => Promise<Outcome>;
}

export interface TxOptions<D> {
  /** Commits together with the saga's row. Its result is kept; it must be JSON. */
  readonly run: Run<D>;
  readonly undo: "none" | Run<D>;
}

/** A step as the driver uses it. */
export interface SagaStepDefinition {
  readonly name: string;
  readonly kind: StepKind;
  readonly request?: Build<unknown, RequestDraft>;
  readonly undo?: "none" | Build<unknown, readonly RequestDraft[]>;
  readonly run?: Run<unknown>;
  readonly undoRun?: Run<unknown>;
  readonly settle?: SettleOptions<unknown>;
  readonly waitMs?: Build<unknown, number>;
  readonly refusalsHold: boolean;
  readonly send?: SendStep;
  readonly outcomeOf?: ReadFailure<unknown>;
}

export interface SagaDefinition {
  readonly name: string;
  readonly version: number;
  readonly input: TSchema;
  readonly steps: readonly SagaStepDefinition[];
  readonly plan: SagaPlan;
}

/** Makes steps whose functions know the type of the saga's data. */
export interface StepMakers<D> {
  tx(name: string, options: TxOptions<D>): SagaStepDefinition;
  call(name: string, options: CallOptions<D>): SagaStepDefinition;
  /** Needs an undo that cancels what is held. */
  reserve(
    name: string,
    options: CallOptions<D> & { readonly undo: Build<D, readonly RequestDraft[]> },
  ): SagaStepDefinition;
  confirm(name: string, options: Omit<CallOptions<D>, "undo">): SagaStepDefinition;
  pivot(name: string, options: PivotOptions<D> | { readonly run: Run<D> }): SagaStepDefinition;
  timer(name: string, options: { readonly waitMs: Build<D, number> }): SagaStepDefinition;
  signal(name: string): SagaStepDefinition;
}

export interface SagaOptions<S extends TSchema> {
  readonly name: string;
  readonly version: number;
  /** The saga's data, checked when it starts. */
  readonly input: S;
  /** Before its pivot a saga older than this is given up; 60 s by default. */
  readonly deadlineMs?: number;
  readonly steps: (on: StepMakers<Static<S>>) => readonly SagaStepDefinition[];
}

const DEADLINE_MS_DEFAULT = 60_000;
const STEPS_MAX = 50;

/**
 * Declares a saga. Throws for a list of steps that cannot keep what sagas promise.
 *
 * @example
 * const order = defineSaga({
 *   name: "order", version: 1, input: Type.Object({ item: Type.String() }),
 *   steps: (on) => [
 *     on.reserve("stock", {
 *       request: async ({ data, id }) => ({ service: "stock", method: "POST", path: "/holds",
 *         body: { hold: await id("hld"), item: data.item } }),
 *       undo: async ({ id }) => [{ service: "stock", method: "DELETE", path: `/holds/${await id("hld")}` }],
 *     }),
 *     on.pivot("ship", { request: () => ({ service: "shipping", method: "POST", path: "/parcels" }) }),
 *   ],
 * });
 */
export function defineSaga<S extends TSchema>(options: SagaOptions<S>): SagaDefinition {
  const { name, version, input } = options;
  // Functions get the saga's own data, which was checked against this schema when it started.
  const steps = options.steps(makers);
  checkSteps(name, steps);
  const plan: SagaPlan = {
    name,
    version,
    deadlineMs: options.deadlineMs ?? DEADLINE_MS_DEFAULT,
    steps: steps.map((step) => ({
      name: step.name,
      kind: step.kind,
      local: step.run !== undefined,
      localUndo: step.undoRun !== undefined,
      settleAfterMs: step.settle?.afterMs ?? null,
      refusalsHold: step.refusalsHold,
    })),
  };
  return { name, version, input, steps, plan };
}

const makers: StepMakers<unknown> = {
  tx: (name, { run, undo }) => ({
    name,
    kind: "tx",
    run,
    refusalsHold: false,
    ...(undo === "none" ? {} : { undoRun: undo }),
  }),
  call: (name, options) => callStep(name, "call", options),
  reserve: (name, options) => callStep(name, "reserve", options),
  confirm: (name, options) => callStep(name, "confirm", { ...options, undo: "none" }),
  pivot: (name, options) => {
    if ("run" in options) return { name, kind: "pivot", run: options.run, refusalsHold: false };
    const step = callStep(name, "pivot", { ...options, undo: "none" });
    return options.settle === undefined ? step : { ...step, settle: options.settle };
  },
  timer: (name, { waitMs }) => ({ name, kind: "timer", waitMs, refusalsHold: false }),
  signal: (name) => ({ name, kind: "signal", refusalsHold: false }),
};

function callStep(name: string, kind: StepKind, options: CallOptions<unknown>): SagaStepDefinition {
  const { request, undo, refusalsHold, send, outcomeOf } = options;
  const step = { name, kind, request, undo, refusalsHold: refusalsHold ?? false };
  return {
    ...step,
    ...(send === undefined ? {} : { send }),
    ...(outcomeOf === undefined ? {} : { outcomeOf }),
  };
}

function checkSteps(saga: string, steps: readonly SagaStepDefinition[]): void {
  const names = steps.map((step) => step.name);
  const refuse = (why: string): never => {
    throw new Error(`The saga ${saga} ${why}`);
  };
  if (!/^[a-z][a-z0-9-]{1,40}$/.test(saga)) refuse("is not named like money-out.");
  if (steps.length === 0 || steps.length > STEPS_MAX) refuse(`needs 1 to ${STEPS_MAX} steps.`);
  for (const name of names) {
    if (!/^[a-z][a-z0-9-]{0,40}$/.test(name))
      refuse(`has a step ${name}; name it like hold-money.`);
  }
  if (new Set(names).size < names.length) refuse("has two steps of one name.");
  const pivots = steps.filter((step) => step.kind === "pivot").length;
  if (pivots > 1) refuse("has two pivots; there is one moment of no return.");
  const pivot = steps.findIndex((step) => step.kind === "pivot");
  const confirm = steps.findIndex((step) => step.kind === "confirm");
  if (pivot >= 0 && confirm >= 0 && confirm < pivot) {
    refuse("confirms before its pivot; what is confirmed cannot be undone.");
  }
  const last = pivot >= 0 ? pivot : confirm;
  steps.forEach((step, at) => {
    if (step.kind === "reserve" && last >= 0 && at > last) refuse("reserves after its pivot.");
  });
}

/** Finds a step's code by its name; undefined when this definition has none of it. */
export function stepNamed(
  definition: SagaDefinition,
  name: string | undefined,
): SagaStepDefinition | undefined {
  return definition.steps.find((step) => step.name === name);
}

/** A request as it is kept, under the key of its step or undo. */
export function keyed(draft: RequestDraft, key: string): SagaRequest {
  const { service, method, path, body, fine } = draft;
  return {
    service,
    method,
    path,
    body: body ?? null,
    key,
    ...(fine === undefined ? {} : { fine }),
  };
}
