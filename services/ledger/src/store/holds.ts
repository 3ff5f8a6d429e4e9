/** How holds end, and the timers of those that end by themselves: one statement a function. */
import type { Queryable, Transaction } from "@tideway/store";
import { expiryOf } from "../domain/transfer.ts";
import type { HoldOutcome, Transfer } from "../domain/transfer.ts";
import { accountId, accountUuid, transferId, transferUuid } from "./ids.ts";

export type TimedHold = Pick<Transfer, "id" | "debit" | "credit" | "amount">;

interface TimeoutRow {
  readonly hold: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: string;
}

const MOMENT = (parameter: string): string =>
  `timestamptz 'epoch' + ${parameter}::bigint * interval '1 microsecond'`;

/** Starts the timer of a hold that has a timeout. */
export async function insertTimeout(transaction: Transaction, hold: Transfer): Promise<void> {
  await transaction.query(
    `insert into hold_timeouts (hold, debit, credit, amount, expires_at)
     values ($1, $2, $3, $4, ${MOMENT("$5")})`,
    [
      transferUuid(hold.id),
      accountUuid(hold.debit),
      accountUuid(hold.credit),
      hold.amount.toString(),
      expiryOf(hold)?.toString() ?? null,
    ],
  );
}

/** Ends a hold's timer, if it has one. */
export async function deleteTimeout(transaction: Transaction, hold: string): Promise<void> {
  await transaction.query("delete from hold_timeouts where hold = $1", [transferUuid(hold)]);
}

/** Timers that have run out, the oldest first. */
export async function readDueTimeouts(db: Queryable, limit: number): Promise<TimedHold[]> {
  const found = await db.query<TimeoutRow>(
    `select hold, debit, credit, amount from hold_timeouts
     where expires_at <= statement_timestamp() order by expires_at, hold limit $1`,
    [limit],
  );
  return found.rows.map(timedHoldOf);
}

/** Timers that have run out and hold something on one of these accounts, the oldest first. */
export async function readDueTimeoutsOf(
  db: Queryable,
  accounts: readonly string[],
  limit: number,
): Promise<TimedHold[]> {
  const found = await db.query<TimeoutRow>(
    `select hold, debit, credit, amount from hold_timeouts
     where (debit = any($1::uuid[]) or credit = any($1::uuid[]))
       and expires_at <= statement_timestamp()
     order by expires_at, hold limit $2`,
    [accounts.map(accountUuid), limit],
  );
  return found.rows.map(timedHoldOf);
}

/** What of an account's pending sums is over: all holds on it that expired by then. */
export async function readExpiredOf(
  transaction: Transaction,
  account: string,
  nowMicros: bigint,
): Promise<TimedHold[]> {
  const found = await transaction.query<TimeoutRow>(
    `select hold, debit, credit, amount from hold_timeouts
     where (debit = $1 or credit = $1) and expires_at <= ${MOMENT("$2")}`,
    [accountUuid(account), nowMicros.toString()],
  );
  return found.rows.map(timedHoldOf);
}

/** Takes out those of the timers that still run and are over; their accounts must be locked. */
export async function takeDueTimeouts(
  transaction: Transaction,
  holds: readonly string[],
  nowMicros: bigint,
): Promise<TimedHold[]> {
  const taken = await transaction.query<TimeoutRow>(
    `delete from hold_timeouts
     where hold = any($1::uuid[]) and expires_at <= ${MOMENT("$2")}
     returning hold, debit, credit, amount`,
    [holds.map(transferUuid), nowMicros.toString()],
  );
  return taken.rows.map(timedHoldOf);
}

export interface Resolution {
  readonly hold: string;
  readonly outcome: HoldOutcome;
  /** The transfer that ended it; null when it expired. */
  readonly transfer: string | null;
  readonly atMicros: bigint;
}

/** Writes how holds ended; a second end of the same hold breaks the primary key. */
export async function insertResolutions(
  transaction: Transaction,
  resolutions: readonly Resolution[],
): Promise<void> {
  await transaction.query(
    `insert into hold_resolutions (hold, outcome, transfer, at)
     select n.hold, n.outcome, n.transfer, ${MOMENT("n.at")}
     from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[]) as n(hold, outcome, transfer, at)`,
    [
      resolutions.map((one) => transferUuid(one.hold)),
      resolutions.map((one) => one.outcome),
      resolutions.map((one) => (one.transfer === null ? null : transferUuid(one.transfer))),
      resolutions.map((one) => one.atMicros.toString()),
    ],
  );
}

function timedHoldOf(row: TimeoutRow): TimedHold {
  return {
    id: transferId(row.hold),
    debit: accountId(row.debit),
    credit: accountId(row.credit),
    amount: BigInt(row.amount),
  };
}
