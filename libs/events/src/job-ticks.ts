/** Ticks of jobs and who works on them: one statement a function, all by the database's clock. */
import type { Pool } from "@tideway/store";

export interface TickOf {
  readonly job: string;
  /** RFC 3339. */
  readonly tick: string;
}

export interface TickLease extends TickOf {
  /** The lease's end as PostgreSQL spells it; it changes with each renewal. */
  readonly token: string;
}

export type TickClaim =
  | { readonly kind: "ours"; readonly token: string }
  | { readonly kind: "leased" }
  | { readonly kind: "finished" };

/** Takes a tick that nobody works on, or tells how it stands. */
export async function claimTick(
  pool: Pool,
  { job, tick, leaseMs }: TickOf & { readonly leaseMs: number },
): Promise<TickClaim> {
  const claimed = await pool.query<{ token: string }>(
    `insert into tideway.job_ticks as t (job, tick, lease_until)
     values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
     on conflict (job, tick) do update set lease_until = excluded.lease_until
       where t.finished_at is null and t.lease_until <= clock_timestamp()
     returning t.lease_until::text as token`,
    [job, tick, leaseMs],
  );
  const token = claimed.rows[0]?.token;
  if (token !== undefined) return { kind: "ours", token };
  const found = await pool.query(
    "select from tideway.job_ticks where job = $1 and tick = $2 and finished_at is not null",
    [job, tick],
  );
  return { kind: found.rowCount === 0 ? "leased" : "finished" };
}

/** The new token, or null when the lease is somebody else's by now. */
export async function renewTick(
  pool: Pool,
  { job, tick, token, leaseMs }: TickLease & { readonly leaseMs: number },
): Promise<string | null> {
  const renewed = await pool.query<{ token: string }>(
    `update tideway.job_ticks set lease_until = clock_timestamp() + $4 * interval '1 millisecond'
     where job = $1 and tick = $2 and lease_until = $3::timestamptz and finished_at is null
     returning lease_until::text as token`,
    [job, tick, token, leaseMs],
  );
  return renewed.rows[0]?.token ?? null;
}

/** False when the lease is somebody else's by now. */
export async function finishTick(pool: Pool, { job, tick, token }: TickLease): Promise<boolean> {
  const finished = await pool.query(
    `update tideway.job_ticks set finished_at = clock_timestamp()
     where job = $1 and tick = $2 and lease_until = $3::timestamptz and finished_at is null`,
    [job, tick, token],
  );
  return finished.rowCount === 1;
}

export async function releaseTick(pool: Pool, { job, tick, token }: TickLease): Promise<void> {
  await pool.query(
    `update tideway.job_ticks set lease_until = clock_timestamp()
     where job = $1 and tick = $2 and lease_until = $3::timestamptz and finished_at is null`,
    [job, tick, token],
  );
}
