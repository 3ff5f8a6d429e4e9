/** The small statements around sagas: leases, signals, versions, measures, and forgetting. */
import type { Queryable } from "@tideway/store";
import { ATTENTION_TRIES, RETRY_BASE_MS, RETRY_MAX_MS } from "../machine/backoff.ts";
import { LEASE_MS } from "../machine/lease.ts";
import type { Problem } from "../machine/plan.ts";
import { uuidOf } from "./write.ts";

export interface HeldLease {
  readonly saga: string;
  readonly fence: number;
}

/** Renews leases, each where its fence is still this one; answers which sagas are still held. */
export async function renewLeases(
  db: Queryable,
  owner: string,
  held: readonly HeldLease[],
): Promise<ReadonlySet<string>> {
  const renewed = await db.query<{ id: string }>({
    name: "saga-renew",
    text: `update tideway.sagas s set
        lease_until = clock_timestamp() + make_interval(secs => $2),
        due_at = clock_timestamp() + make_interval(secs => $2)
      from unnest($3::uuid[], $4::bigint[]) as h (id, fence)
      where s.id = h.id and s.fence = h.fence and s.lease_owner = $1 returning s.id`,
    values: [
      owner,
      LEASE_MS / 1_000,
      held.map(({ saga }) => uuidOf(saga)),
      held.map(({ fence }) => fence),
    ],
  });
  return new Set(renewed.rows.map(({ id }) => id));
}

/** Gives a lease back, so that others may carry on at once. */
export async function releaseLease(db: Queryable, { saga, fence }: HeldLease): Promise<void> {
  await db.query(
    `update tideway.sagas set lease_owner = null, lease_until = null, due_at = clock_timestamp()
     where id = $1 and fence = $2 and lease_owner is not null`,
    [uuidOf(saga), fence],
  );
}

/** Gives a lease back with a failed try: it is due again after the usual wait. */
export async function countFailure(
  db: Queryable,
  { saga, fence }: HeldLease,
  problem: Problem,
  jitter: number,
): Promise<void> {
  await db.query(
    `update tideway.sagas set
       lease_owner = null, lease_until = null, attempts = attempts + 1, problem = $3,
       attention = attention or attempts + 1 >= $4, updated_at = clock_timestamp(),
       due_at = clock_timestamp() + (0.5 + $5::float8 / 2) * make_interval(
         secs => least($6::float8, $7::float8 * 2 ^ least(attempts, 30)))
     where id = $1 and fence = $2 and lease_owner is not null`,
    [
      uuidOf(saga),
      fence,
      JSON.stringify(problem),
      ATTENTION_TRIES,
      jitter,
      RETRY_MAX_MS / 1_000,
      RETRY_BASE_MS / 1_000,
    ],
  );
}

/** Keeps a signal; the first of a name counts. False when the saga is over or unknown. */
export async function keepSignal(
  db: Queryable,
  saga: string,
  signal: string,
  data: string,
): Promise<boolean> {
  const kept = await db.query(
    `update tideway.sagas set
       signals = jsonb_build_object($2::text, $3::jsonb) || signals,
       due_at = case when state = 'waiting' and step = $2 and lease_owner is null
                     then clock_timestamp() else due_at end
     where id = $1 and state in ('running', 'waiting')`,
    [uuidOf(saga), signal, data],
  );
  return kept.rowCount === 1;
}

/** Makes a saga due at once, unless somebody holds it. */
export async function makeDue(db: Queryable, saga: string): Promise<void> {
  await db.query(
    `update tideway.sagas set due_at = clock_timestamp()
     where id = $1 and lease_owner is null and state not in ('completed', 'compensated')`,
    [uuidOf(saga)],
  );
}

/** Takes a saga away from whoever holds it: every write under the fence before will be refused. */
export async function raiseFence(db: Queryable, saga: string): Promise<number> {
  const raised = await db.query<{ fence: string }>(
    "update tideway.sagas set fence = fence + 1 where id = $1 returning fence",
    [uuidOf(saga)],
  );
  return Number(raised.rows[0]?.fence ?? -1);
}

/** The database's clock, in milliseconds since 1970. */
export async function readClock(db: Queryable): Promise<number> {
  const found = await db.query<{ now: Date }>("select clock_timestamp() as now");
  return found.rows[0]?.now.getTime() ?? Number.NaN;
}

export interface Unfinished {
  readonly name: string;
  readonly version: number;
  readonly count: number;
  readonly attention: number;
  readonly oldestSeconds: number;
}

/** What is under way, by definition, for gauges. */
export async function measureUnfinished(db: Queryable): Promise<Unfinished[]> {
  const found = await db.query<Unfinished>(
    `select name, version, count(*)::int as count,
       (count(*) filter (where attention))::int as attention,
       extract(epoch from clock_timestamp() - min(created_at))::float8 as "oldestSeconds"
     from tideway.sagas where state in ('running', 'waiting', 'compensating')
     group by name, version`,
  );
  return found.rows;
}

const KEPT_DAYS = 30;
export const FORGET_ROWS_MAX = 1_000;

/** Forgets sagas that have been over for 30 days, at most 1,000 a call; answers how many. */
export async function forgetOld(db: Queryable): Promise<number> {
  const forgotten = await db.query(
    `with old as (
       select id from tideway.sagas
       where created_at < now() - make_interval(days => $1)
         and updated_at < now() - make_interval(days => $1)
         and state in ('completed', 'compensated')
       order by created_at limit $2 for update skip locked),
     steps as (delete from tideway.saga_steps where saga in (select id from old))
     delete from tideway.sagas where id in (select id from old)`,
    [KEPT_DAYS, FORGET_ROWS_MAX],
  );
  return forgotten.rowCount ?? 0;
}
