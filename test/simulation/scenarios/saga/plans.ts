/** The sagas that the scenario runs: what their steps ask of whom. */
import { keyOfStep } from "@tideway/saga";
import type { SagaPlan, SagaRequest, StepKind, StepPlan } from "@tideway/saga";
import type { Operation } from "./participant.ts";

interface StepShape {
  readonly name: string;
  readonly kind: StepKind;
  /** Who carries it out; null for a step of the initiator itself. */
  readonly at: "bank" | "stock" | "shop" | null;
  readonly act: Operation["act"] | null;
  readonly settleAfterMs?: number;
}

const HOLD: StepShape = { name: "hold", kind: "reserve", at: "bank", act: "hold" };
const STOCK: StepShape = { name: "stock", kind: "call", at: "stock", act: "pay" };
const CLAIM: StepShape = { name: "claim", kind: "tx", at: null, act: null };
const APPROVED: StepShape = { name: "approved", kind: "signal", at: null, act: null };
const COOL: StepShape = { name: "cool", kind: "timer", at: null, act: null };
const CHARGE: StepShape = { name: "charge", kind: "pivot", at: "shop", act: "pay" };
const SETTLED: StepShape = { ...CHARGE, settleAfterMs: 4_000 };
const POST: StepShape = { name: "post", kind: "confirm", at: "bank", act: "post" };
const FINISH: StepShape = { name: "finish", kind: "tx", at: null, act: null };

/** A purchase in several shapes: with a signal, with a timer, with a pivot that needs its person. */
const SHAPES: readonly (readonly StepShape[])[] = [
  [CLAIM, HOLD, STOCK, CHARGE, POST, FINISH],
  [CLAIM, HOLD, STOCK, APPROVED, CHARGE, POST, FINISH],
  [HOLD, COOL, STOCK, CHARGE, POST],
  [CLAIM, HOLD, STOCK, SETTLED, POST, FINISH],
];

export const SHAPE_COUNT = SHAPES.length;
/** Before its pivot began, a saga older than this is undone. */
const DEADLINE_MS = 90_000;
export const TIMER_MS = 3_000;

export interface Scheme {
  readonly plan: SagaPlan;
  readonly shapes: readonly StepShape[];
}

export function schemeOf(shape: number): Scheme {
  const shapes = SHAPES[shape % SHAPES.length] ?? [];
  const steps = shapes.map((step): StepPlan => ({
    name: step.name,
    kind: step.kind,
    local: step.at === null && step.kind === "tx",
    localUndo: step.name === "claim",
    settleAfterMs: step.settleAfterMs ?? null,
    // Participants keep refusals under their keys, as the ledger burns ids.
    refusalsHold: true,
  }));
  return { shapes, plan: { name: "purchase", version: shape + 1, deadlineMs: DEADLINE_MS, steps } };
}

export interface Prepared {
  readonly request: SagaRequest | null;
  readonly undo: readonly SagaRequest[];
  readonly waitMs: number | null;
}

/** What the service's own code would build from the saga's data. */
export function prepare(scheme: Scheme, saga: string, step: number, amount: number): Prepared {
  const shape = scheme.shapes[step];
  if (shape === undefined) throw new Error(`${saga} has no step ${step}.`);
  if (shape.kind === "timer") return { request: null, undo: [], waitMs: TIMER_MS };
  if (shape.at === null || shape.act === null) throw new Error(`${shape.name} sends nothing.`);
  const key = keyOfStep(saga, shape.name);
  const of = shape.act === "post" ? keyOfStep(saga, "hold") : null;
  const base = { saga, step: shape.name, amount, burns: false };
  const request: SagaRequest = {
    service: shape.at,
    method: "POST",
    path: `/${shape.act}`,
    body: { ...base, act: shape.act, key, of } satisfies Operation,
    key,
  };
  const canUndo = shape.kind === "reserve" || shape.kind === "call";
  const undoKey = `${key}.undo`;
  const undo: SagaRequest = {
    ...request,
    path: "/undo",
    body: { ...base, act: "undo", key: undoKey, of: key } satisfies Operation,
    key: undoKey,
  };
  return { request, undo: canUndo ? [undo] : [], waitMs: null };
}
