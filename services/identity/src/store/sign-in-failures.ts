import type { Queryable, Transaction } from "@tideway/store";
import type { FailureRecord } from "../domain/throttle.ts";
import { toDate, toMs, toMsOrNull } from "./time.ts";

interface Row {
  readonly failures: number;
  readonly blocked_until: Date | null;
  readonly last_at: Date;
}

/** The record of an account, made if it is missing, locked until the transaction ends. */
export async function lockFailures(
  t: Transaction,
  accountHash: Buffer,
  nowMs: number,
): Promise<FailureRecord> {
  // The update changes nothing, but it locks the row that was there and answers it.
  const found = await t.query<Row>(
    `insert into sign_in_failures (account_hash, failures, last_at) values ($1, 0, $2)
     on conflict (account_hash) do update set failures = sign_in_failures.failures
     returning failures, blocked_until, last_at`,
    [accountHash, toDate(nowMs)],
  );
  const row = found.rows[0];
  if (row === undefined) throw new Error("The insert answered no row.");
  return {
    failures: row.failures,
    blockedUntilMs: toMsOrNull(row.blocked_until),
    lastAtMs: toMs(row.last_at),
  };
}

export async function saveFailures(
  t: Transaction,
  accountHash: Buffer,
  record: FailureRecord,
): Promise<void> {
  const blockedUntil = record.blockedUntilMs === null ? null : toDate(record.blockedUntilMs);
  await t.query(
    `update sign_in_failures set failures = $2, blocked_until = $3, last_at = $4
     where account_hash = $1`,
    [accountHash, record.failures, blockedUntil, toDate(record.lastAtMs)],
  );
}

export async function clearFailures(db: Queryable, accountHash: Buffer): Promise<void> {
  await db.query("delete from sign_in_failures where account_hash = $1", [accountHash]);
}

/** Forgets records without a recent attempt; at most `rowsMax` a call. */
export async function sweepFailures(
  db: Queryable,
  sweep: { readonly lastBeforeMs: number; readonly rowsMax: number },
): Promise<number> {
  const swept = await db.query(
    `delete from sign_in_failures where account_hash in (
       select account_hash from sign_in_failures where last_at < $1 limit $2)`,
    [toDate(sweep.lastBeforeMs), sweep.rowsMax],
  );
  return swept.rowCount ?? 0;
}
