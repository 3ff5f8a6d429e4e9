/**
 * Drives one saga as long as this instance holds it: asks the machine, carries its effect out,
 * tells it what came of that. Every write compares the fence; where it has moved on, nothing is
 * written and the run ends.
 */
import { unreachable } from "@tideway/kernel";
import { isCoded } from "@tideway/kernel";
import { CommitRefused, databaseFailure, sqlState, tx } from "@tideway/store";
import type { Pool, Transaction } from "@tideway/store";
import type { DatabaseClock } from "./clock.ts";
import { stepSaga } from "./machine/saga.ts";
import type { SagaEffect, SagaInput, SagaState, StepRecord, Stepped } from "./machine/state.ts";
import type { Problem } from "./machine/plan.ts";
import { outcomeOfTx, problemOf } from "./outcome.ts";
import { failureFields, prepare, runLocal, send, settle, undo } from "./perform.ts";
import type { Held, PerformParts } from "./perform.ts";
import { saveSaga } from "./store/write.ts";

export interface DriveParts extends PerformParts {
  readonly pool: Pool;
  readonly clock: DatabaseClock;
  /** In [0, 1): for waits between tries. */
  readonly random: () => number;
  /** True when the instance is about to end: stop after the next save. */
  readonly isStopping: () => boolean;
}

/** How a run ended. Unless `released`, the state is what was meant, not what the database holds. */
export interface Driven {
  readonly state: SagaState;
  readonly end: "released" | "fenced" | "unknown" | "stopping" | "refused";
  /** Why the database refused to save it. */
  readonly refusal?: Problem;
}

type LocalEffect = Extract<SagaEffect, { kind: "run-tx" | "undo-tx" }>;

interface Progress {
  readonly stepped: Stepped;
  /** The steps as the database has them. */
  readonly saved: readonly StepRecord[];
  readonly isSaved: boolean;
  readonly isFenced?: true;
  readonly refusal?: Problem;
}

/** Carries a saga on until it is over, waits, or is no longer ours. Never rejects. */
export async function drive(
  parts: DriveParts,
  held: Held,
  stepped: Stepped,
  saved: readonly StepRecord[],
): Promise<Driven> {
  let now: Progress = { stepped, saved, isSaved: false };
  for (;;) {
    const { state, effects } = now.stepped;
    const [effect] = effects;
    if (effect === undefined || effect.kind === "released") return { state, end: "released" };
    if (effect.kind === "refuse") return { state, end: "released" };
    if (effect.kind === "abandon") {
      const { refusal } = now;
      if (refusal !== undefined) return { state, end: "refused", refusal };
      return { state, end: now.isFenced === true ? "fenced" : "unknown" };
    }
    if (now.isSaved && parts.isStopping()) return { state, end: "stopping" };
    if (held.lost.aborted) return { state, end: "fenced" };
    now = await carryOut(parts, held, now, effect);
  }
}

async function carryOut(
  parts: DriveParts,
  held: Held,
  { stepped: { state }, saved }: Progress,
  effect: Exclude<SagaEffect, { kind: "released" | "abandon" | "refuse" }>,
): Promise<Progress> {
  const go = (input: SagaInput): Progress => ({
    stepped: stepSaga(state, input),
    saved,
    isSaved: false,
  });
  switch (effect.kind) {
    case "prepare":
      return go(await preparing(parts, held, state, effect.step));
    case "call":
      return go(answered(parts, await send(parts, held, state, effect.step, effect.request)));
    case "settle":
      return go(answered(parts, await settle(held, state, effect.step, effect.final)));
    case "undo":
      return go(answered(parts, await undo(parts, held, effect.requests)));
    case "run-tx":
    case "undo-tx":
      return inTransaction(parts, held, { state, saved, effect });
    case "save":
      return saveAlone(parts, held, { state, saved, release: effect.release });
    default:
      return unreachable(effect);
  }
}

interface SaveAlone {
  readonly state: SagaState;
  readonly saved: readonly StepRecord[];
  readonly release: boolean;
}

async function saveAlone(
  parts: DriveParts,
  held: Held,
  { state, saved, release }: SaveAlone,
): Promise<Progress> {
  try {
    const isOurs = await saveSaga(parts.pool, { state, saved, fence: held.fence, release });
    if (!isOurs) return fenced(state, saved);
    return committed(parts, state);
  } catch (error) {
    parts.logger.warn("saga.save-failed", failureFields(held, error));
    const stepped = { stepped: stepSaga(state, { kind: "unknown" }), saved, isSaved: false };
    return isUnknown(error) ? stepped : { ...stepped, refusal: problemOfTx(error) };
  }
}

/** Thrown within a transaction so that it is rolled back. */
class Fenced extends Error {}
class NotToBeKept extends Error {}

interface Local {
  readonly state: SagaState;
  readonly saved: readonly StepRecord[];
  readonly effect: LocalEffect;
}

/** A local step, what it wrote, and the saga's row: one transaction. */
async function inTransaction(parts: DriveParts, held: Held, local: Local): Promise<Progress> {
  const { state, saved } = local;
  const go = (stepped: Stepped): Progress => ({ stepped, saved, isSaved: false });
  let last: Stepped | null = null;
  let isCommitting = false;
  try {
    await tx(parts.pool, async (t) => {
      isCommitting = false;
      last = await localStep(parts, t, held, local.state, local.effect);
      const [effect] = last.effects;
      if (effect?.kind !== "save" || last.state.before === null) throw new NotToBeKept();
      const { release } = effect;
      const options = { state: last.state, saved, fence: held.fence, release };
      if (!(await saveSaga(t, options))) throw new Fenced();
      isCommitting = true;
    });
  } catch (error) {
    if (error instanceof Fenced) return fenced(state, saved);
    if (error instanceof NotToBeKept && last !== null) return go(last);
    parts.logger.warn("saga.transaction-failed", failureFields(held, error));
    // Whether a commit that broke off took place is known to the database alone. Before it was sent
    // nothing has happened, however the connection ended.
    if (isCommitting && isUnknown(error)) return go(stepSaga(state, { kind: "unknown" }));
    const failure = databaseFailure(error, "the database");
    return go(stepSaga(state, answered(parts, outcomeOfTx(failure))));
  }
  if (last === null) throw new Error("A transaction that was committed has run its step.");
  return committed(parts, (last as Stepped).state);
}

/** Whether nobody can tell if what was sent took place: no answer came, or the server went away. */
function isUnknown(error: unknown): boolean {
  if (error instanceof CommitRefused) return false;
  const state = sqlState(error);
  // Node's own codes (EPIPE) look like SQLSTATEs, of which none begins with E.
  if (state === null || state.startsWith("E")) return true;
  return isCoded(databaseFailure(error, "the database"), "UPSTREAM_UNAVAILABLE");
}

function problemOfTx(error: unknown): Problem {
  return problemOf(databaseFailure(error, "the database"));
}

/** Runs the step and prepares what follows it, as far as the same transaction carries it. */
export async function localStep(
  parts: DriveParts,
  t: Transaction,
  held: Held,
  state: SagaState,
  effect: LocalEffect,
): Promise<Stepped> {
  const outcome = await runLocal(parts, t, held, state, effect);
  let stepped = stepSaga(state, answered(parts, outcome));
  for (let next = stepped.effects[0]; next?.kind === "prepare"; next = stepped.effects[0]) {
    stepped = stepSaga(stepped.state, await preparing(parts, held, stepped.state, next.step));
  }
  return stepped;
}

async function preparing(
  parts: DriveParts,
  held: Held,
  state: SagaState,
  at: number,
): Promise<SagaInput> {
  try {
    return { ...(await prepare(held, state, at)), nowMs: parts.clock.nowMs() };
  } catch (error) {
    parts.logger.error("saga.prepare-failed", failureFields(held, error));
    return answered(parts, outcomeOfTx(error));
  }
}

function fenced(state: SagaState, saved: readonly StepRecord[]): Progress {
  return { stepped: stepSaga(state, { kind: "fenced" }), saved, isSaved: false, isFenced: true };
}

function committed(parts: DriveParts, state: SagaState): Progress {
  const stepped = stepSaga(state, { kind: "committed", nowMs: parts.clock.nowMs() });
  return { stepped, saved: state.steps, isSaved: true };
}

function answered(
  parts: DriveParts,
  outcome: Extract<SagaInput, { kind: "answered" }>["outcome"],
): SagaInput {
  return { kind: "answered", nowMs: parts.clock.nowMs(), jitter: parts.random(), outcome };
}
