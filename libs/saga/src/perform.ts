/** Carries out single effects of a saga: building requests, sending them, asking and undoing. */
import { derivedId } from "@tideway/kernel";
import type { Transaction } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import type { SagaCall } from "./caller.ts";
import { keyed, stepNamed } from "./define-saga.ts";
import type { SagaContext, SagaDefinition, SagaStepDefinition } from "./define-saga.ts";
import type { Outcome, SagaRequest } from "./machine/plan.ts";
import type { SagaInput, SagaState } from "./machine/state.ts";
import { sagaErrors } from "./errors.ts";
import { outcomeOfCall, outcomeOfUndo, problemOf } from "./outcome.ts";
import { KEPT_BYTES_MAX, REQUEST_BYTES_MAX, isKeepable } from "./store/keepable.ts";

/** A saga that this instance carries on with. */
export interface Held {
  readonly saga: string;
  readonly fence: number;
  readonly data: unknown;
  /** Undefined when this revision does not carry the version: then only requests can be undone. */
  readonly definition: SagaDefinition | undefined;
  readonly traceparent: string | null;
  /** Fires when the lease is lost: what is under way may end, nothing new begins. */
  readonly lost: AbortSignal;
}

export interface PerformParts {
  readonly call: SagaCall;
  readonly logger: Logger;
}

/** A call that takes longer is of unknown outcome. */
const CALL_MS_MAX = 15_000;

export function stepAt(held: Held, state: SagaState, at: number): SagaStepDefinition {
  const name = state.plan.steps[at]?.name;
  const step = held.definition === undefined ? undefined : stepNamed(held.definition, name);
  if (step === undefined) throw new Error(`This revision has no code for the step ${name}.`);
  return step;
}

export function contextOf(held: Held, state: SagaState, at: number): SagaContext {
  const { saga, data } = held;
  const own = state.plan.steps[at]?.name ?? "";
  const results = Object.fromEntries(
    state.steps.flatMap((record, i) => {
      const name = state.plan.steps[i]?.name;
      return name !== undefined && record.state === "done" ? [[name, record.result]] : [];
    }),
  );
  return {
    saga,
    data,
    results,
    key: state.steps[at]?.key ?? "",
    reason: state.reason,
    id: (prefix, step = own) => derivedId(prefix, "saga", saga, step),
  };
}

type Prepared = Omit<Extract<SagaInput, { kind: "prepared" }>, "nowMs">;

/** The step's request and its undo. Throws what their functions throw. */
export async function prepare(held: Held, state: SagaState, at: number): Promise<Prepared> {
  const step = stepAt(held, state, at);
  const context = contextOf(held, state, at);
  if (step.kind === "timer") {
    const waitMs = Math.max(0, (await step.waitMs?.(context)) ?? 0);
    return { kind: "prepared", request: null, undo: [], waitMs };
  }
  if (step.request === undefined) throw new Error(`The step ${step.name} has no request.`);
  const request = keyed(await step.request(context), context.key);
  const drafts = typeof step.undo === "function" ? await step.undo(context) : [];
  const undo = drafts.map((draft, i) => keyed(draft, `${context.key}.undo${i === 0 ? "" : i}`));
  checkRequests(step.name, [request, ...undo]);
  return { kind: "prepared", request, undo, waitMs: null };
}

/** What could not be written down must not be sent either. Throws SAGA_REQUEST_TOO_LARGE, _INVALID. */
function checkRequests(step: string, requests: readonly SagaRequest[]): void {
  const text = JSON.stringify(requests);
  const bytes = Buffer.byteLength(text);
  if (bytes > REQUEST_BYTES_MAX) {
    const given = { step, bytes, bytesMax: REQUEST_BYTES_MAX };
    throw sagaErrors.error("SAGA_REQUEST_TOO_LARGE", { given });
  }
  if (!isKeepable(text)) throw sagaErrors.error("SAGA_REQUEST_INVALID", { given: { step } });
}

/** Sends the step's request. Never rejects. */
export async function send(
  parts: PerformParts,
  held: Held,
  state: SagaState,
  at: number,
  request: SagaRequest,
): Promise<Outcome> {
  const step = stepAt(held, state, at);
  try {
    const reply = await (step.send ?? parts.call)(request, limited(held.lost));
    return { kind: "done", result: keptResult(parts, held, reply) };
  } catch (error) {
    return readFailure(step, contextOf(held, state, at), error);
  }
}

async function readFailure(
  step: SagaStepDefinition,
  context: SagaContext,
  error: unknown,
): Promise<Outcome> {
  if (step.outcomeOf === undefined) return outcomeOfCall(error);
  try {
    return await step.outcomeOf(error, context);
  } catch (failed) {
    // What it asked further was not answered either.
    return { kind: "unknown", problem: problemOf(failed) };
  }
}

/** Asks what became of a step's call. Never rejects. */
export async function settle(
  held: Held,
  state: SagaState,
  at: number,
  final: boolean,
): Promise<Outcome> {
  try {
    const ask = stepAt(held, state, at).settle?.ask;
    if (ask === undefined) throw new Error("This revision cannot ask what became of the step.");
    return await ask(contextOf(held, state, at), { final });
  } catch (error) {
    return { kind: "unknown", problem: problemOf(error) };
  }
}

/** Sends the requests that undo a step, in their order. Never rejects. */
export async function undo(
  parts: PerformParts,
  held: Held,
  requests: readonly SagaRequest[],
): Promise<Outcome> {
  for (const request of requests) {
    try {
      await parts.call(request, limited(held.lost));
    } catch (error) {
      const outcome = outcomeOfUndo(error, request.fine ?? []);
      if (outcome.kind !== "done") return outcome;
    }
  }
  return { kind: "done", result: null };
}

/** Runs a step, or its undo, within a transaction. Throws what it throws. */
export async function runLocal(
  parts: PerformParts,
  t: Transaction,
  held: Held,
  state: SagaState,
  effect: { readonly kind: "run-tx" | "undo-tx"; readonly step: number },
): Promise<Outcome> {
  const step = stepAt(held, state, effect.step);
  const run = effect.kind === "run-tx" ? step.run : step.undoRun;
  if (run === undefined) throw new Error(`The step ${step.name} has no transaction.`);
  const result = await run(t, contextOf(held, state, effect.step));
  // What an undo answers is of no use to anybody, and its step's own result stays.
  return {
    kind: "done",
    result: effect.kind === "undo-tx" ? null : keptResult(parts, held, result),
  };
}

function limited(lost: AbortSignal): AbortSignal {
  return AbortSignal.any([lost, AbortSignal.timeout(CALL_MS_MAX)]);
}

function keptResult(parts: PerformParts, { saga }: Held, result: unknown): unknown {
  if (result === undefined || result === null) return null;
  const text = JSON.stringify(result) ?? "";
  const bytes = Buffer.byteLength(text);
  if (bytes <= KEPT_BYTES_MAX && isKeepable(text)) return result;
  parts.logger.warn("saga.result-not-kept", { saga, bytes, bytesMax: KEPT_BYTES_MAX });
  return null;
}

/** For logs: what a run died of. */
export function failureFields({ saga }: Held, error: unknown): Record<string, unknown> {
  return { saga, ...errorFields(error) };
}
