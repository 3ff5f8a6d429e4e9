import { idToUuid, uuidToId } from "@tideway/kernel";
import type { Queryable, Transaction } from "@tideway/store";
import type { InvoiceStatus } from "../domain/invoice.ts";
import type { SealedNote } from "../secrets/notes.ts";
import type { Position } from "./cursor.ts";

export interface NewInvoice {
  /** inv_... */
  readonly invoice: string;
  readonly payee: string;
  readonly amountMinor: bigint;
  readonly asset: string;
  readonly scale: number;
  readonly note: SealedNote | null;
  readonly expiresInSeconds: number;
}

export interface InvoiceRow extends Omit<NewInvoice, "expiresInSeconds"> {
  readonly status: InvoiceStatus;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** The database's clock when the row was read: it alone decides about expiry. */
  readonly nowMs: number;
  readonly position: Position;
}

interface Row {
  readonly invoice: string;
  readonly payee: string;
  readonly amount: string;
  readonly asset: string;
  readonly scale: number;
  readonly note_key: string | null;
  readonly note_sealed: Buffer | null;
  readonly state: string;
  readonly payment: string | null;
  readonly created_at: Date;
  readonly created_text: string;
  readonly expires_at: Date;
  readonly now: Date;
}

const COLUMNS = `invoice, payee, amount, asset, scale, note_key, note_sealed, state, payment,
  created_at, expires_at, clock_timestamp() as now,
  to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_text`;

/** Adds an open invoice, unless it is there already. */
export async function insertInvoice(db: Queryable, invoice: NewInvoice): Promise<void> {
  await db.query(
    `insert into invoices (invoice, payee, amount, asset, scale, note_key, note_sealed, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
     on conflict (invoice) do nothing`,
    [
      idToUuid("inv", invoice.invoice),
      idToUuid("per", invoice.payee),
      invoice.amountMinor.toString(),
      invoice.asset,
      invoice.scale,
      invoice.note?.key ?? null,
      invoice.note?.sealed ?? null,
      invoice.expiresInSeconds,
    ],
  );
}

export async function readInvoice(db: Queryable, invoice: string): Promise<InvoiceRow | null> {
  const found = await db.query<Row>({
    name: "invoice-read",
    text: `select ${COLUMNS} from invoices where invoice = $1`,
    values: [idToUuid("inv", invoice)],
  });
  return found.rows[0] === undefined ? null : toInvoice(found.rows[0]);
}

/** As `readInvoice`; nobody else may change it until the transaction ends. */
export async function lockInvoice(t: Transaction, invoice: string): Promise<InvoiceRow | null> {
  const uuid = idToUuid("inv", invoice);
  // Locked first and read afterwards, so that the clock is read after the wait for the lock.
  await t.query({
    name: "invoice-lock",
    text: "select 1 from invoices where invoice = $1 for update",
    values: [uuid],
  });
  return readInvoice(t, invoice);
}

export async function writeInvoiceStatus(
  t: Transaction,
  invoice: string,
  status: InvoiceStatus,
): Promise<void> {
  const payment = "payment" in status ? idToUuid("pay", status.payment) : null;
  await t.query({
    name: "invoice-write",
    text: "update invoices set state = $2, payment = $3 where invoice = $1",
    values: [idToUuid("inv", invoice), status.state, payment],
  });
}

/** Marks up to `limit` open invoices whose time is over. Readers do not depend on it. */
export async function expireInvoices(db: Queryable, limit: number): Promise<number> {
  const expired = await db.query(
    `update invoices set state = 'expired' where invoice in (
       select invoice from invoices where state = 'open' and expires_at <= now()
       order by expires_at limit $1 for update skip locked)`,
    [limit],
  );
  return expired.rowCount ?? 0;
}

export interface ListOptions {
  readonly payee: string;
  readonly after: Position;
  readonly limit: number;
}

export async function listInvoices(db: Queryable, options: ListOptions): Promise<InvoiceRow[]> {
  const found = await db.query<Row>(
    `select ${COLUMNS} from invoices
     where payee = $1 and (created_at, invoice) < ($2::timestamptz, $3::uuid)
     order by created_at desc, invoice desc limit $4`,
    [idToUuid("per", options.payee), options.after.at, options.after.uuid, options.limit],
  );
  return found.rows.map(toInvoice);
}

function toInvoice(row: Row): InvoiceRow {
  return {
    invoice: uuidToId("inv", row.invoice),
    payee: uuidToId("per", row.payee),
    amountMinor: BigInt(row.amount),
    asset: row.asset,
    scale: row.scale,
    note:
      row.note_key === null || row.note_sealed === null
        ? null
        : { key: row.note_key, sealed: row.note_sealed },
    status: toStatus(row),
    createdAtMs: row.created_at.getTime(),
    expiresAtMs: row.expires_at.getTime(),
    nowMs: row.now.getTime(),
    position: { at: row.created_text, uuid: row.invoice },
  };
}

function toStatus({ state, payment, invoice }: Row): InvoiceStatus {
  if (state === "open" || state === "expired" || state === "cancelled") return { state };
  if ((state === "paying" || state === "paid") && payment !== null) {
    return { state, payment: uuidToId("pay", payment) };
  }
  throw new Error(`The row of invoice ${invoice} has the unknown state ${state}.`);
}
