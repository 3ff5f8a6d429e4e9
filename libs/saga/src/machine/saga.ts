/**
 * What a saga does next, as a pure function.
 *
 *   pending ── prepare, save ──> running ── call ──> done ──> ... ──> completed
 *                                   │ refused for good, or too late
 *                                   v
 *                              compensating ── undo of each step, last one first ──> compensated
 *
 * Invariants: a call is written down, with its key and its undo, before its first try, so whoever
 * comes next repeats it under the same key or undoes it. A step whose answer nobody heard counts as
 * done when it comes to undoing. Once the pivot began nothing is undone any more: it is tried until
 * it is known. A decision to compensate is saved before the first undo.
 *
 * A save is one commit. It carries everything since the last one: the result of a call, what a `tx`
 * step wrote, and the next call's request. So a step costs one write.
 *
 * Rejected: replaying code (a rollback would meet a history that it cannot read), and giving up
 * compensation after so many tries (it is about money).
 */
import { invariant, unreachable } from "@tideway/kernel";
import { ATTENTION_TRIES, retryDelayMs } from "./backoff.ts";
import { compensate, undoAnswered, undoNext } from "./compensation.ts";
import { isPastPivot, patch, save } from "./parts.ts";
import { keyOfStep, localUndoOf, pivotIndexOf } from "./plan.ts";
import type { Outcome, Problem, SagaPlan } from "./plan.ts";
import type { SagaInput, SagaState, StepRecord, Stepped } from "./state.ts";

type InputOf<K extends SagaInput["kind"]> = Extract<SagaInput, { kind: K }>;

export interface NewSaga {
  readonly saga: string;
  readonly plan: SagaPlan;
  readonly nowMs: number;
}

/** A saga that nobody has written down yet. Its first `run` belongs to the transaction that starts it. */
export function newSaga({ saga, plan, nowMs }: NewSaga): SagaState {
  return {
    saga,
    plan,
    phase: "running",
    at: 0,
    steps: plan.steps.map((step) => newRecord(keyOfStep(saga, step.name))),
    attempts: 0,
    dueAtMs: null,
    deadlineAtMs: nowMs + plan.deadlineMs,
    attention: false,
    problem: null,
    reason: null,
    signals: {},
    attended: false,
    doing: { kind: "nothing" },
    before: null,
  };
}

export function newRecord(key: string): StepRecord {
  return {
    state: "pending",
    attempts: 0,
    key,
    request: null,
    undo: [],
    result: null,
    uncertain: false,
    begunAtMs: null,
    finishedAtMs: null,
    wakeAtMs: null,
    problem: null,
  };
}

/** One step of the machine: the new state and the effect it waits for, if any. */
export function stepSaga(state: SagaState, input: SagaInput): Stepped {
  switch (input.kind) {
    case "run":
      return takeUp(state, input);
    case "prepared":
      return prepared(state, input);
    case "answered":
      return answered(state, input);
    case "committed":
      return committed(state, input.nowMs);
    case "failed":
      return notCommitted(state, input);
    case "unknown":
    case "fenced":
      return { state: { ...state, doing: { kind: "nothing" } }, effects: [{ kind: "abandon" }] };
    case "compensate":
      return compensateByOperator(state, input);
    case "retry":
      return retryByOperator(state, input.nowMs);
    default:
      return unreachable(input);
  }
}

function takeUp(state: SagaState, { nowMs, attended, signals }: InputOf<"run">): Stepped {
  const phase = state.phase === "waiting" ? "running" : state.phase;
  return goOn({ ...doubted(state), phase, attended, signals }, nowMs);
}

/** Whoever reads a step that was begun does not know how far the one before came with it. */
function doubted(state: SagaState): SagaState {
  const steps = state.steps.map((record) =>
    record.state === "running" ? { ...record, uncertain: true } : record,
  );
  return { ...state, steps, doing: { kind: "nothing" }, before: null };
}

function goOn(state: SagaState, nowMs: number): Stepped {
  if (state.phase === "compensating") return undoNext(state);
  if (isOver(state)) return { state, effects: [{ kind: "released" }] };
  const plan = state.plan.steps[state.at];
  const record = state.steps[state.at];
  if (plan === undefined || record === undefined) {
    return save({ ...state, phase: "completed", dueAtMs: null, problem: null }, "release");
  }
  if (!isPastPivot(state) && nowMs >= state.deadlineAtMs) {
    const detail = `It was not done within ${state.plan.deadlineMs} ms.`;
    return compensate(state, { code: "SAGA_DEADLINE", detail });
  }
  if (plan.kind === "signal") return awaitSignal(state, nowMs);
  if (plan.kind === "timer" && record.wakeAtMs !== null) return awaitTimer(state, record, nowMs);
  if (plan.local) {
    // One transaction, one step: what a step before it wrote is committed first.
    if (state.before !== null) return save(state, "go-on");
    const doing = { kind: "trying" } as const;
    return {
      state: { ...state, doing, before: state },
      effects: [{ kind: "run-tx", step: state.at }],
    };
  }
  if (record.state === "running") return tryCall(state, nowMs);
  if (record.request !== null) return begin(state, nowMs);
  return {
    state: { ...state, doing: { kind: "preparing" } },
    effects: [{ kind: "prepare", step: state.at }],
  };
}

function awaitSignal(state: SagaState, nowMs: number): Stepped {
  const name = state.plan.steps[state.at]?.name ?? "";
  if (Object.hasOwn(state.signals, name)) return finish(state, state.signals[name], nowMs);
  return park(state, "waiting", isPastPivot(state) ? null : state.deadlineAtMs);
}

function awaitTimer(state: SagaState, { wakeAtMs }: StepRecord, nowMs: number): Stepped {
  if (wakeAtMs === null || nowMs >= wakeAtMs) return finish(state, null, nowMs);
  return park(
    state,
    "waiting",
    isPastPivot(state) ? wakeAtMs : Math.min(wakeAtMs, state.deadlineAtMs),
  );
}

function prepared(state: SagaState, input: InputOf<"prepared">): Stepped {
  invariant(state.doing.kind === "preparing", "Nothing was being prepared.");
  const { request, undo, waitMs, nowMs } = input;
  if (waitMs !== null) {
    const timer = { state: "running", wakeAtMs: nowMs + waitMs, begunAtMs: nowMs } as const;
    return goOn(patch(state, state.at, timer), nowMs);
  }
  invariant(request !== null, "A step that calls has a request.");
  return begin(patch(state, state.at, { request, undo }), nowMs);
}

/** Written down as begun, before anything is sent. */
function begin(state: SagaState, nowMs: number): Stepped {
  const begunAtMs = state.steps[state.at]?.begunAtMs ?? nowMs;
  return save(patch(state, state.at, { state: "running", begunAtMs }), "try");
}

function tryCall(state: SagaState, nowMs: number): Stepped {
  const plan = state.plan.steps[state.at];
  const record = state.steps[state.at];
  invariant(plan !== undefined && record !== undefined, "It is at a step.");
  const { request, begunAtMs } = record;
  invariant(request !== null && begunAtMs !== null, "A step is prepared before it is tried.");
  const trying = { ...state, doing: { kind: "trying" } as const };
  if (!isSettling(state)) {
    return { state: trying, effects: [{ kind: "call", step: state.at, request }] };
  }
  const final = nowMs - begunAtMs >= (plan.settleAfterMs ?? 0);
  return { state: trying, effects: [{ kind: "settle", step: state.at, request, final }] };
}

function answered(state: SagaState, input: InputOf<"answered">): Stepped {
  invariant(
    state.doing.kind === "trying" || state.doing.kind === "preparing",
    "Nothing was being tried.",
  );
  if (state.phase === "compensating") {
    return undoAnswered(state, input.outcome, (problem) => failTry(state, problem, input));
  }
  const { outcome, nowMs } = input;
  if (outcome.kind === "done") return finish(state, outcome.result, nowMs);
  // A transaction that failed was rolled back; what came before it is still to be saved.
  const kept = { ...(state.before ?? state), before: null };
  const noted = note(kept, outcome);
  if (outcome.kind === "refused" && mayCompensate(noted)) {
    return compensate(patch(noted, noted.at, refusedRecord(noted)), outcome.problem);
  }
  return failTry(noted, outcome.problem, input);
}

function note(state: SagaState, outcome: Outcome): SagaState {
  const record = state.steps[state.at];
  invariant(record !== undefined, "It is at a step.");
  const plan = state.plan.steps[state.at];
  const uncertain = plan?.local !== true && (record.uncertain || outcome.kind === "unknown");
  // Known not to have happened: it is begun anew, so that a later reader need not doubt it. That
  // nothing was found of it when it was asked for proves less: it may be under way.
  const isBack =
    outcome.kind === "busy" && !isSettling(state) && !uncertain && record.state === "running";
  return patch(state, state.at, isBack ? { uncertain, state: "pending" } : { uncertain });
}

/** Whether a refusal of the present step proves that compensating is safe. */
function mayCompensate(state: SagaState): boolean {
  const pivot = pivotIndexOf(state.plan);
  if (pivot < 0 || state.at < pivot) return true;
  if (state.at > pivot) return false;
  return refusalHolds(state) || state.steps[state.at]?.uncertain !== true;
}

/** Settling makes sure of its answer, which a second try does not; so does a callee that uses keys up. */
function refusalHolds(state: SagaState): boolean {
  return state.plan.steps[state.at]?.refusalsHold === true || isSettling(state);
}

/** Whether the present step is asked about, and not sent. */
function isSettling(state: SagaState): boolean {
  return typeof state.plan.steps[state.at]?.settleAfterMs === "number" && !state.attended;
}

/** A refused step is not undone, unless a try before may have happened all the same. */
function refusedRecord(state: SagaState): Partial<StepRecord> {
  const mayHaveHappened = state.steps[state.at]?.uncertain === true && !refusalHolds(state);
  return mayHaveHappened ? {} : { state: "failed", uncertain: false };
}

function finish(state: SagaState, result: unknown, nowMs: number): Stepped {
  const record = state.steps[state.at];
  const plan = state.plan.steps[state.at];
  invariant(record !== undefined && plan !== undefined, "It is at a step.");
  const done = patch(state, state.at, {
    state: "done",
    undo: plan.local ? localUndoOf(plan, record.key) : record.undo,
    result,
    uncertain: false,
    begunAtMs: record.begunAtMs ?? nowMs,
    finishedAtMs: nowMs,
    problem: null,
  });
  const next = { ...done, at: state.at + 1, attempts: 0, attention: false, problem: null };
  return goOn(next, nowMs);
}

function failTry(
  state: SagaState,
  problem: Problem,
  { nowMs, jitter }: { readonly nowMs: number; readonly jitter: number },
): Stepped {
  const attempts = state.attempts + 1;
  const record = state.steps[state.at];
  const counted = patch(state, state.at, { attempts: (record?.attempts ?? 0) + 1, problem });
  const retryAtMs = nowMs + retryDelayMs(attempts, jitter);
  const mayGiveUp = counted.phase === "running" && !isPastPivot(counted);
  const dueAtMs = mayGiveUp ? Math.min(retryAtMs, state.deadlineAtMs) : retryAtMs;
  const attention = state.attention || attempts >= ATTENTION_TRIES;
  return park({ ...counted, attempts, problem, attention, before: null }, counted.phase, dueAtMs);
}

function park(state: SagaState, phase: SagaState["phase"], dueAtMs: number | null): Stepped {
  return save({ ...state, phase, dueAtMs }, "release");
}

function committed(state: SagaState, nowMs: number): Stepped {
  const { doing } = state;
  invariant(doing.kind === "saving", "Nothing was being saved.");
  const saved: SagaState = { ...state, doing: { kind: "nothing" }, before: null };
  switch (doing.next) {
    case "release":
      return { state: saved, effects: [{ kind: "released" }] };
    case "try":
      return tryCall(saved, nowMs);
    case "go-on":
      return goOn(saved, nowMs);
    default:
      return unreachable(doing.next);
  }
}

/** A commit that was refused takes its step along; a save alone is left to whoever comes next. */
function notCommitted(state: SagaState, input: InputOf<"failed">): Stepped {
  if (state.before === null) {
    return { state: { ...state, doing: { kind: "nothing" } }, effects: [{ kind: "abandon" }] };
  }
  return failTry({ ...state.before, before: null }, input.problem, input);
}

function compensateByOperator(state: SagaState, input: InputOf<"compensate">): Stepped {
  if (state.phase === "compensating" || state.phase === "compensated")
    return { state, effects: [] };
  if (state.phase === "completed")
    return { state, effects: [{ kind: "refuse", code: "SAGA_OVER" }] };
  if (isPastPivot(state)) return { state, effects: [{ kind: "refuse", code: "SAGA_PAST_PIVOT" }] };
  const { state: given } = compensate(doubted(state), input.problem);
  return save({ ...given, dueAtMs: input.nowMs }, "release");
}

function retryByOperator(state: SagaState, nowMs: number): Stepped {
  if (isOver(state)) return { state, effects: [{ kind: "refuse", code: "SAGA_OVER" }] };
  return save({ ...state, dueAtMs: nowMs }, "release");
}

export function isOver({ phase }: Pick<SagaState, "phase">): boolean {
  return phase === "completed" || phase === "compensated";
}
