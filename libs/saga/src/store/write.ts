/** Writing a saga down: once when it starts, and under its fence at every step. */
import { bitsToUuid, parseId } from "@tideway/kernel";
import type { Queryable } from "@tideway/store";
import { LEASE_MS } from "../machine/lease.ts";
import { isOver } from "../machine/saga.ts";
import type { SagaState, StepRecord } from "../machine/state.ts";
import { SAGA_PREFIX } from "./rows.ts";

export interface NewSagaRow {
  readonly state: SagaState;
  readonly data: string;
  readonly startKey: string;
  readonly owner: string;
  readonly traceparent: string | null;
  /** True when nobody needs to hold it: it waits, or is over. */
  readonly release: boolean;
}

const STEPS_FROM_JSON = `
  select $1::uuid, r.step, r.position, r.kind, r.state, r.attempts, r.key, r.request, r.result,
         coalesce(r.undo, '[]'), r.problem, r.begun_at, r.finished_at, r.wake_at
  from jsonb_to_recordset($2::jsonb) as r (step text, position smallint, kind text, state text,
    attempts int, key text, request jsonb, result jsonb, undo jsonb, problem jsonb,
    begun_at timestamptz, finished_at timestamptz, wake_at timestamptz)`;
const STEP_TARGETS = `saga, step, position, kind, state, attempts, key, request, result, undo,
  problem, begun_at, finished_at, wake_at`;

const INSERT = `
  with made as (
    insert into tideway.sagas (id, name, version, definition, state, step, data, lease_owner,
      lease_until, fence, attempts, due_at, deadline_at, start_key, traceparent)
    values ($1, $3, $4, $5, $6, $7, $8,
      case when $9 then null else $10 end,
      case when $9 then null else clock_timestamp() + make_interval(secs => $11) end, 1, 0,
      case when $9 then $12 else clock_timestamp() + make_interval(secs => $11) end,
      $13, $14, $15)
    on conflict (name, start_key) do nothing
    returning id),
  noted as (
    insert into tideway.saga_steps (${STEP_TARGETS}) ${STEPS_FROM_JSON}
    where exists (select 1 from made))
  select id from made`;

/** Adds a saga that this instance holds under fence 1; false when its key is taken. */
export async function insertSaga(db: Queryable, row: NewSagaRow): Promise<boolean> {
  const { state } = row;
  const inserted = await db.query({
    name: "saga-insert",
    text: INSERT,
    values: [
      uuidOf(state.saga),
      JSON.stringify(stepRows(state, null)),
      state.plan.name,
      state.plan.version,
      JSON.stringify(state.plan),
      state.phase,
      stepNameOf(state),
      row.data,
      row.release,
      row.owner,
      LEASE_MS / 1_000,
      timestamp(state.dueAtMs),
      timestamp(state.deadlineAtMs),
      row.startKey,
      row.traceparent,
    ],
  });
  return inserted.rowCount === 1;
}

const SAVE = `
  with written as (
    update tideway.sagas set
      state = $4, step = $5, attempts = $6, attention = $7, problem = $8, reason = $9,
      by_data = $10, updated_at = clock_timestamp(),
      lease_owner = case when $11 then null else lease_owner end,
      lease_until = case when $11 then null else lease_until end,
      due_at = case
        when not $11 then due_at
        when $4 = 'waiting' and signals ? $5 then clock_timestamp()
        else $12::timestamptz end
    where id = $1 and fence = $3
    returning id),
  noted as (
    insert into tideway.saga_steps (${STEP_TARGETS}) ${STEPS_FROM_JSON}
    where exists (select 1 from written)
    on conflict (saga, step) do update set
      state = excluded.state, attempts = excluded.attempts, request = excluded.request,
      result = excluded.result, undo = excluded.undo, problem = excluded.problem,
      begun_at = excluded.begun_at, finished_at = excluded.finished_at,
      wake_at = excluded.wake_at)
  select id from written`;

export interface SaveOptions {
  readonly state: SagaState;
  /** The steps as the database has them; only those that differ are written. */
  readonly saved: readonly StepRecord[];
  readonly fence: number;
  readonly release: boolean;
}

/** Writes the state where the fence is still this one; false when it has moved on. */
export async function saveSaga(db: Queryable, options: SaveOptions): Promise<boolean> {
  const { state, saved, fence, release } = options;
  const written = await db.query({
    name: "saga-save",
    text: SAVE,
    values: [
      uuidOf(state.saga),
      JSON.stringify(stepRows(state, saved)),
      fence,
      state.phase,
      stepNameOf(state),
      state.attempts,
      state.attention,
      jsonOf(state.problem),
      jsonOf(state.reason),
      isByData(state),
      release,
      timestamp(isOver(state) ? null : state.dueAtMs),
    ],
  });
  return written.rowCount === 1;
}

/** Compensation of which every undo that is left is a request needs no code of this version. */
function isByData({ phase, steps }: SagaState): boolean {
  if (phase !== "compensating") return false;
  return steps.every(({ state, undo }) => {
    const isLeft = state === "done" || state === "running";
    return !isLeft || undo[0]?.method !== "TX";
  });
}

function stepRows(state: SagaState, saved: readonly StepRecord[] | null): unknown[] {
  return state.steps.flatMap((record, position) => {
    const plan = state.plan.steps[position];
    const isNew = saved === null ? record.state !== "pending" : record !== saved[position];
    if (plan === undefined || !isNew) return [];
    return [
      {
        step: plan.name,
        position,
        kind: plan.kind,
        state: record.state,
        attempts: record.attempts,
        key: record.key,
        request: record.request,
        result: record.result,
        undo: record.undo,
        problem: record.problem,
        begun_at: timestamp(record.begunAtMs),
        finished_at: timestamp(record.finishedAtMs),
        wake_at: timestamp(record.wakeAtMs),
      },
    ];
  });
}

/** The step it is at; the last one once it is over. */
function stepNameOf({ plan, at }: SagaState): string {
  return plan.steps[Math.min(at, plan.steps.length - 1)]?.name ?? "";
}

function timestamp(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

function jsonOf(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

export function uuidOf(saga: string): string {
  return bitsToUuid(parseId(SAGA_PREFIX, saga));
}
