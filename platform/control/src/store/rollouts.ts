/** SQL of rollouts, their decisions and the evidence that the judge read. */
import type { Queryable } from "@tideway/store";

export interface RolloutRow<State = unknown> {
  readonly rollout: string;
  readonly service: string;
  readonly from_revision: string | null;
  readonly to_revision: string;
  readonly state: State;
  readonly phase: string;
  readonly version: number;
  readonly verdict: unknown;
  readonly failure_log: readonly string[];
  readonly outcome: string | null;
  readonly started_by: string;
  readonly started_at: Date;
  readonly finished_at: Date | null;
}

const COLUMNS = `rollout, service, from_revision, to_revision, state, phase, version, verdict,
  failure_log, outcome, started_by, started_at, finished_at`;

export interface NewRollout {
  readonly rollout: string;
  readonly service: string;
  readonly from: string | null;
  readonly to: string;
  readonly state: unknown;
  readonly phase: string;
  readonly startedBy: string;
}

export async function insertRollout(db: Queryable, given: NewRollout): Promise<void> {
  await db.query(
    `insert into rollouts (rollout, service, from_revision, to_revision, state, phase, started_by)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      given.rollout,
      given.service,
      given.from,
      given.to,
      JSON.stringify(given.state),
      given.phase,
      given.startedBy,
    ],
  );
}

export async function runningRollouts<S>(db: Queryable): Promise<RolloutRow<S>[]> {
  const found = await db.query<RolloutRow<S>>(
    `select ${COLUMNS} from rollouts where finished_at is null order by started_at`,
  );
  return found.rows;
}

/** The id of the service's rollout under way, or null. */
export async function findRunning(db: Queryable, service: string): Promise<string | null> {
  const found = await db.query<{ rollout: string }>(
    "select rollout from rollouts where service = $1 and finished_at is null",
    [service],
  );
  return found.rows[0]?.rollout ?? null;
}

export async function findRollout<S>(
  db: Queryable,
  rollout: string,
): Promise<RolloutRow<S> | null> {
  const found = await db.query<RolloutRow<S>>(
    `select ${COLUMNS} from rollouts where rollout = $1`,
    [rollout],
  );
  return found.rows[0] ?? null;
}

export async function listRollouts<S>(db: Queryable, service: string): Promise<RolloutRow<S>[]> {
  const found = await db.query<RolloutRow<S>>(
    `select ${COLUMNS} from rollouts where service = $1 order by started_at desc limit 50`,
    [service],
  );
  return found.rows;
}

export interface RolloutChange {
  readonly state: unknown;
  readonly phase: string;
  readonly verdict: unknown;
  readonly isFinal: boolean;
  readonly outcome: string | null;
  readonly failureLog: readonly string[] | null;
}

/** Writes a change if nobody else wrote in between; answers whether it did. */
export async function updateRollout(
  db: Queryable,
  key: { readonly rollout: string; readonly version: number },
  change: RolloutChange,
): Promise<boolean> {
  const updated = await db.query(
    `update rollouts set state = $3, phase = $4, verdict = $5,
       finished_at = case when $6 then now() end, outcome = $7,
       failure_log = coalesce($8::jsonb, failure_log), version = version + 1
     where rollout = $1 and version = $2 and finished_at is null`,
    [
      key.rollout,
      key.version,
      JSON.stringify(change.state),
      change.phase,
      JSON.stringify(change.verdict),
      change.isFinal,
      change.outcome,
      change.failureLog === null ? null : JSON.stringify(change.failureLog),
    ],
  );
  return updated.rowCount === 1;
}

export interface DecisionRow {
  readonly at: Date;
  readonly kind: string;
  readonly by: string;
  readonly text: string;
}

export async function insertDecisions(
  db: Queryable,
  rollout: string,
  decisions: readonly DecisionRow[],
): Promise<void> {
  for (const decision of decisions) {
    await db.query(
      "insert into rollout_decisions (rollout, at, kind, by, text) values ($1, $2, $3, $4, $5)",
      [rollout, decision.at, decision.kind, decision.by, decision.text],
    );
  }
}

export async function listDecisions(db: Queryable, rollout: string): Promise<DecisionRow[]> {
  const found = await db.query<DecisionRow>(
    `select at, kind, by, text from rollout_decisions where rollout = $1 order by id desc limit 500`,
    [rollout],
  );
  return found.rows;
}
