/** A saga's rows as they are read: the machine's state again, and what surrounds it. */
import { uuidToId } from "@tideway/kernel";
import { newRecord } from "../machine/saga.ts";
import { keyOfStep } from "../machine/plan.ts";
import type { Problem, SagaPlan, SagaRequest } from "../machine/plan.ts";
import type { Phase, SagaState, StepProgress, StepRecord } from "../machine/state.ts";

export const SAGA_PREFIX = "sag";

/** A saga that was read, with what the machine does not need. */
export interface StoredSaga {
  readonly state: SagaState;
  readonly fence: number;
  readonly data: unknown;
  readonly traceparent: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly dueAtMs: number | null;
  readonly leaseUntilMs: number | null;
  /** The database's clock when it was read. */
  readonly nowMs: number;
}

export interface SagaRow {
  readonly id: string;
  readonly definition: SagaPlan;
  readonly state: string;
  readonly step: string;
  readonly data: unknown;
  readonly signals: Record<string, unknown>;
  readonly fence: string;
  readonly attempts: number;
  readonly due_at: Date | null;
  readonly lease_until: Date | null;
  readonly deadline_at: Date;
  readonly attention: boolean;
  readonly problem: Problem | null;
  readonly reason: Problem | null;
  readonly traceparent: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly now: Date;
}

export interface StepRow {
  readonly saga: string;
  readonly step: string;
  readonly state: string;
  readonly attempts: number;
  readonly key: string;
  readonly request: SagaRequest | null;
  readonly result: unknown;
  readonly undo: readonly SagaRequest[];
  readonly problem: Problem | null;
  readonly begun_at: Date | null;
  readonly finished_at: Date | null;
  readonly wake_at: Date | null;
}

export const SAGA_COLUMNS = `id, definition, state, step, data, signals, fence, attempts, due_at,
  lease_until, deadline_at, attention, problem, reason, traceparent, created_at, updated_at,
  clock_timestamp() as now`;
export const STEP_COLUMNS = `saga, step, state, attempts, key, request, result, undo, problem,
  begun_at, finished_at, wake_at`;

/** Puts a saga together from its row and the rows of its steps. */
export function toStored(row: SagaRow, steps: readonly StepRow[]): StoredSaga {
  const saga = uuidToId(SAGA_PREFIX, row.id);
  const plan = row.definition;
  const byName = new Map(steps.map((step) => [step.step, step]));
  const phase = phaseOf(row.state);
  const at = plan.steps.findIndex((step) => step.name === row.step);
  return {
    state: {
      saga,
      plan,
      phase,
      at: phase === "completed" ? plan.steps.length : Math.max(at, 0),
      steps: plan.steps.map(({ name }) => toRecord(byName.get(name), keyOfStep(saga, name))),
      attempts: row.attempts,
      dueAtMs: row.due_at?.getTime() ?? null,
      deadlineAtMs: row.deadline_at.getTime(),
      attention: row.attention,
      problem: row.problem,
      reason: row.reason,
      signals: row.signals,
      attended: false,
      doing: { kind: "nothing" },
      before: null,
    },
    fence: Number(row.fence),
    data: row.data,
    traceparent: row.traceparent,
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
    dueAtMs: row.due_at?.getTime() ?? null,
    leaseUntilMs: row.lease_until?.getTime() ?? null,
    nowMs: row.now.getTime(),
  };
}

function toRecord(row: StepRow | undefined, key: string): StepRecord {
  if (row === undefined) return newRecord(key);
  return {
    state: progressOf(row.state),
    attempts: row.attempts,
    key: row.key,
    request: row.request,
    undo: row.undo,
    result: row.result,
    uncertain: false,
    begunAtMs: row.begun_at?.getTime() ?? null,
    finishedAtMs: row.finished_at?.getTime() ?? null,
    wakeAtMs: row.wake_at?.getTime() ?? null,
    problem: row.problem,
  };
}

const PHASES: readonly Phase[] = ["running", "waiting", "compensating", "completed", "compensated"];
const PROGRESS: readonly StepProgress[] = [
  ...(["pending", "running", "done"] as const),
  ...(["failed", "undone", "no-undo"] as const),
];

function phaseOf(text: string): Phase {
  const phase = PHASES.find((one) => one === text);
  if (phase === undefined) throw new Error(`A saga's row has the unknown state ${text}.`);
  return phase;
}

function progressOf(text: string): StepProgress {
  const progress = PROGRESS.find((one) => one === text);
  if (progress === undefined) throw new Error(`A step's row has the unknown state ${text}.`);
  return progress;
}
