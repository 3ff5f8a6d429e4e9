/** Transfers: one statement a function. They are inserted and read, never changed. */
import type { Queryable, Transaction } from "@tideway/store";
import type { HoldOutcome, Transfer, TransferKind } from "../domain/transfer.ts";
import { accountId, accountUuid, transferId, transferUuid } from "./ids.ts";

/** A transfer waits this long for a lock; then it is refused as overloaded, with nothing done. */
const LOCK_WAIT_MS_MAX = 5_000;

interface TransferRow {
  readonly id: string;
  readonly kind: TransferKind;
  readonly debit: string;
  readonly credit: string;
  readonly amount: string;
  readonly asset: string;
  readonly scale: number;
  readonly code: string;
  readonly pending: string | null;
  readonly timeout_seconds: number | null;
  readonly reference: string | null;
  readonly service: string;
  readonly revision: string;
  readonly consented_by: string | null;
  readonly at_micros: string;
}

interface StoredRow extends TransferRow {
  readonly outcome: HoldOutcome | null;
  readonly debit_code: number;
  readonly credit_code: number;
  readonly now_micros: string;
}

/** A transfer, how it ended if it is a hold that ended, and when that was looked up. */
export interface StoredTransfer {
  readonly transfer: Transfer;
  readonly outcome: HoldOutcome | null;
  /** Chart codes of its accounts. */
  readonly debitCode: number;
  readonly creditCode: number;
  readonly nowMicros: bigint;
}

/**
 * Keeps everybody else from deciding about this id until the transaction ends. Taken before any
 * account is locked, so the two kinds of lock cannot form a circle.
 */
export async function lockTransferId(transaction: Transaction, transfer: string): Promise<void> {
  // A select list is worked off from left to right, so the limit holds for this lock already.
  await transaction.query(
    `select set_config('lock_timeout', $1, true), pg_advisory_xact_lock(hashtextextended($2, 0))`,
    [`${LOCK_WAIT_MS_MAX}ms`, transfer],
  );
}

/** The database's clock now (not at the transaction's start), in microseconds since 1970. */
export async function readClock(transaction: Transaction): Promise<bigint> {
  const found = await transaction.query<{ now_micros: string }>(
    "select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now_micros",
  );
  const row = found.rows[0];
  if (row === undefined) throw new Error("PostgreSQL did not tell the time.");
  return BigInt(row.now_micros);
}

/** A transfer by its id, or undefined. */
export async function readTransfer(
  db: Queryable,
  transfer: string,
): Promise<StoredTransfer | undefined> {
  const found = await db.query<StoredRow>(
    `select t.id, t.kind, t.debit, t.credit, t.amount, t.asset, s.scale, t.code, t.pending,
       t.timeout_seconds, t.reference, t.service, t.revision, t.consented_by,
       (extract(epoch from t.at) * 1000000)::bigint as at_micros,
       r.outcome, d.code as debit_code, c.code as credit_code,
       (extract(epoch from clock_timestamp()) * 1000000)::bigint as now_micros
     from transfers t
     join assets s on s.asset = t.asset
     join accounts d on d.id = t.debit
     join accounts c on c.id = t.credit
     left join hold_resolutions r on r.hold = t.id
     where t.id = $1`,
    [transferUuid(transfer)],
  );
  const row = found.rows[0];
  if (row === undefined) return undefined;
  return {
    transfer: transferOf(row),
    outcome: row.outcome,
    debitCode: row.debit_code,
    creditCode: row.credit_code,
    nowMicros: BigInt(row.now_micros),
  };
}

/** Inserts a transfer and answers it as it was written. */
export async function insertTransfer(
  transaction: Transaction,
  transfer: Transfer,
): Promise<Transfer> {
  const inserted = await transaction.query<Omit<TransferRow, "scale">>(
    `insert into transfers as t (id, kind, debit, credit, amount, asset, code, pending,
       timeout_seconds, reference, service, revision, consented_by, at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
       timestamptz 'epoch' + $14::bigint * interval '1 microsecond')
     returning t.id, t.kind, t.debit, t.credit, t.amount, t.asset, t.code, t.pending,
       t.timeout_seconds, t.reference, t.service, t.revision, t.consented_by,
       (extract(epoch from t.at) * 1000000)::bigint as at_micros`,
    [
      transferUuid(transfer.id),
      transfer.kind,
      accountUuid(transfer.debit),
      accountUuid(transfer.credit),
      transfer.amount.toString(),
      transfer.asset,
      transfer.code,
      transfer.pending === null ? null : transferUuid(transfer.pending),
      transfer.timeoutSeconds,
      transfer.reference,
      transfer.service,
      transfer.revision,
      transfer.consentedBy,
      transfer.atMicros.toString(),
    ],
  );
  const row = inserted.rows[0];
  if (row === undefined) throw new Error(`Transfer ${transfer.id} was not written.`);
  return transferOf({ ...row, scale: transfer.scale });
}

function transferOf(row: TransferRow): Transfer {
  return {
    id: transferId(row.id),
    kind: row.kind,
    debit: accountId(row.debit),
    credit: accountId(row.credit),
    amount: BigInt(row.amount),
    asset: row.asset,
    scale: row.scale,
    code: row.code,
    pending: row.pending === null ? null : transferId(row.pending),
    timeoutSeconds: row.timeout_seconds,
    reference: row.reference,
    service: row.service,
    revision: row.revision,
    consentedBy: row.consented_by,
    atMicros: BigInt(row.at_micros),
  };
}
