import { idToUuid, uuidToId } from "@tideway/kernel";
import type { Queryable, Transaction } from "@tideway/store";
import type { PaymentStatus } from "../domain/payment.ts";
import type { SealedNote } from "../secrets/notes.ts";
import type { Position } from "./cursor.ts";

export interface PaymentTerms {
  /** pay_... */
  readonly payment: string;
  /** trf_... */
  readonly transfer: string;
  readonly payer: string;
  readonly payee: string;
  readonly amountMinor: bigint;
  readonly asset: string;
  readonly scale: number;
  /** inv_..., or null for money sent without one. */
  readonly invoice: string | null;
  /** Its own note, or that of its invoice. */
  readonly note: SealedNote | null;
}

export interface PaymentRow extends PaymentTerms {
  readonly status: PaymentStatus;
  readonly createdAtMs: number;
  readonly finishedAtMs: number | null;
  readonly position: Position;
}

interface Row {
  readonly payment: string;
  readonly transfer: string;
  readonly payer: string;
  readonly payee: string;
  readonly amount: string;
  readonly asset: string;
  readonly scale: number;
  readonly invoice: string | null;
  readonly note_key: string | null;
  readonly note_sealed: Buffer | null;
  readonly state: string;
  readonly failure: string | null;
  readonly created_at: Date;
  readonly created_text: string;
  readonly finished_at: Date | null;
}

const TABLE_COLUMNS = `payment, transfer, payer, payee, amount, asset, scale, invoice,
  note_key, note_sealed, state, failure, created_at, finished_at`;
const COLUMNS = `p.payment, p.transfer, p.payer, p.payee, p.amount, p.asset, p.scale, p.invoice,
  coalesce(p.note_key, i.note_key) as note_key,
  coalesce(p.note_sealed, i.note_sealed) as note_sealed,
  p.state, p.failure, p.created_at, p.finished_at,
  to_char(p.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_text`;

/**
 * Adds a pending payment and answers it; null when it is there already. No conflict target is
 * named, because of duplicates at once the one that waits may be refused by any of the unique keys.
 */
export async function insertPayment(
  db: Queryable,
  terms: PaymentTerms,
): Promise<PaymentRow | null> {
  const inserted = await db.query<Row>({
    // Named, here and below, so that each connection plans it once: planning costs more than running.
    name: "payment-insert",
    text: `with made as (
       insert into payments (payment, transfer, payer, payee, amount, asset, scale, invoice,
                             note_key, note_sealed)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       on conflict do nothing
       returning ${TABLE_COLUMNS})
     select ${COLUMNS} from made p left join invoices i on i.invoice = p.invoice`,
    values: [
      idToUuid("pay", terms.payment),
      idToUuid("trf", terms.transfer),
      idToUuid("per", terms.payer),
      idToUuid("per", terms.payee),
      terms.amountMinor.toString(),
      terms.asset,
      terms.scale,
      terms.invoice === null ? null : idToUuid("inv", terms.invoice),
      terms.note?.key ?? null,
      terms.note?.sealed ?? null,
    ],
  });
  return inserted.rows[0] === undefined ? null : toPayment(inserted.rows[0]);
}

export async function readPayment(db: Queryable, payment: string): Promise<PaymentRow | null> {
  const found = await db.query<Row>({
    name: "payment-read",
    text: `select ${COLUMNS} from payments p left join invoices i on i.invoice = p.invoice
     where p.payment = $1`,
    values: [idToUuid("pay", payment)],
  });
  return found.rows[0] === undefined ? null : toPayment(found.rows[0]);
}

/** As `readPayment`; nobody else may change it until the transaction ends. */
export async function lockPayment(t: Transaction, payment: string): Promise<PaymentRow | null> {
  const found = await t.query<Row>({
    name: "payment-lock",
    text: `select ${COLUMNS} from payments p left join invoices i on i.invoice = p.invoice
     where p.payment = $1 for update of p`,
    values: [idToUuid("pay", payment)],
  });
  return found.rows[0] === undefined ? null : toPayment(found.rows[0]);
}

/** Makes a pending payment final and answers it as written; null when it was final already. */
export async function writePaymentStatus(
  db: Queryable,
  payment: string,
  status: Exclude<PaymentStatus, { state: "pending" }>,
): Promise<PaymentRow | null> {
  const written = await db.query<Row>({
    name: "payment-finish",
    text: `with done as (
       update payments set state = $2, failure = $3, finished_at = clock_timestamp()
       where payment = $1 and state = 'pending'
       returning ${TABLE_COLUMNS})
     select ${COLUMNS} from done p left join invoices i on i.invoice = p.invoice`,
    values: [
      idToUuid("pay", payment),
      status.state,
      status.state === "failed" ? status.failure : null,
    ],
  });
  return written.rows[0] === undefined ? null : toPayment(written.rows[0]);
}

/**
 * Takes up to `limit` payments that are pending since 15 s; each is taken once in 15 s. Older
 * revisions begin payments without a saga, and look after them by the same column.
 */
export async function takeOverduePayments(db: Queryable, limit: number): Promise<PaymentRow[]> {
  const found = await db.query<Row>(
    `with taken as (
       update payments set next_check_at = now() + interval '15 seconds'
       where payment in (
         select payment from payments where state = 'pending' and next_check_at <= now()
         order by next_check_at limit $1 for update skip locked)
       returning ${TABLE_COLUMNS})
     select ${COLUMNS} from taken p left join invoices i on i.invoice = p.invoice`,
    [limit],
  );
  return found.rows.map(toPayment);
}

export interface ListOptions {
  readonly person: string;
  readonly after: Position;
  readonly limit: number;
}

/**
 * A person's payments, newest first: all that the person made, and those received once they are
 * paid. That somebody tried to pay and could not is nobody else's business.
 */
export async function listPayments(db: Queryable, options: ListOptions): Promise<PaymentRow[]> {
  const found = await db.query<Row>(
    `select ${COLUMNS} from (
       (select ${TABLE_COLUMNS} from payments
        where payer = $1 and (created_at, payment) < ($2::timestamptz, $3::uuid)
        order by created_at desc, payment desc limit $4)
       union all
       (select ${TABLE_COLUMNS} from payments
        where payee = $1 and state = 'paid' and (created_at, payment) < ($2::timestamptz, $3::uuid)
        order by created_at desc, payment desc limit $4)
     ) p left join invoices i on i.invoice = p.invoice
     order by p.created_at desc, p.payment desc limit $4`,
    [idToUuid("per", options.person), options.after.at, options.after.uuid, options.limit],
  );
  return found.rows.map(toPayment);
}

function toPayment(row: Row): PaymentRow {
  return {
    payment: uuidToId("pay", row.payment),
    transfer: uuidToId("trf", row.transfer),
    payer: uuidToId("per", row.payer),
    payee: uuidToId("per", row.payee),
    amountMinor: BigInt(row.amount),
    asset: row.asset,
    scale: row.scale,
    invoice: row.invoice === null ? null : uuidToId("inv", row.invoice),
    note:
      row.note_key === null || row.note_sealed === null
        ? null
        : { key: row.note_key, sealed: row.note_sealed },
    status: toStatus(row),
    createdAtMs: row.created_at.getTime(),
    finishedAtMs: row.finished_at?.getTime() ?? null,
    position: { at: row.created_text, uuid: row.payment },
  };
}

function toStatus({ state, failure, payment }: Row): PaymentStatus {
  if (state === "pending" || state === "paid") return { state };
  if (state === "failed" && failure !== null) return { state, failure };
  throw new Error(`The row of payment ${payment} has the unknown state ${state}.`);
}
