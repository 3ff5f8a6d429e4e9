/** Rows as the api shows them: with people's names, and with notes whose key still exists. */
import type { paymentsApi } from "@tideway/api-payments";
import { present, toTimestamp, toWire } from "@tideway/kernel";
import type { ReplyOf } from "@tideway/schema";
import type { Dependencies } from "./dependencies.ts";
import { invoiceAt } from "./domain/invoice.ts";
import { NAME_UNKNOWN } from "./remote/identity.ts";
import type { InvoiceRow } from "./store/invoices.ts";
import type { PaymentRow } from "./store/payments.ts";

export type PaymentView = ReplyOf<(typeof paymentsApi)["routes"]["payment"]>;
export type InvoiceView = ReplyOf<(typeof paymentsApi)["routes"]["invoice"]>;
type Reading = Pick<Dependencies, "identity" | "notes">;

export async function viewPayments(
  { identity, notes }: Reading,
  rows: readonly PaymentRow[],
): Promise<PaymentView[]> {
  const [names, texts] = await Promise.all([
    identity.namesOf(rows.flatMap((row) => [row.payer, row.payee])),
    notes.open(rows.map((row) => ({ subject: noteSubject(row), note: row.note }))),
  ]);
  const party = (person: string) => ({ person, name: names.get(person) ?? NAME_UNKNOWN });
  return rows.map((row) => ({
    payment: row.payment,
    state: row.status.state,
    money: toWire(row),
    payer: party(row.payer),
    payee: party(row.payee),
    invoice: row.invoice,
    note: texts.get(noteSubject(row)) ?? null,
    failure: row.status.state === "failed" ? row.status.failure : null,
    transfer: row.transfer,
    createdAt: toTimestamp(row.createdAtMs),
    finishedAt: row.finishedAtMs === null ? null : toTimestamp(row.finishedAtMs),
  }));
}

export async function viewPayment(deps: Reading, row: PaymentRow): Promise<PaymentView> {
  const [view] = await viewPayments(deps, [row]);
  return present(view, "One row makes one view.");
}

export async function viewInvoices(
  { identity, notes }: Reading,
  rows: readonly InvoiceRow[],
): Promise<InvoiceView[]> {
  const [names, texts] = await Promise.all([
    identity.namesOf(rows.map((row) => row.payee)),
    notes.open(rows.map((row) => ({ subject: row.invoice, note: row.note }))),
  ]);
  return rows.map((row) => {
    const status = invoiceAt(row.status, row, row.nowMs);
    return {
      invoice: row.invoice,
      state: status.state,
      money: toWire(row),
      payee: { person: row.payee, name: names.get(row.payee) ?? NAME_UNKNOWN },
      note: texts.get(row.invoice) ?? null,
      payment: status.state === "paid" ? status.payment : null,
      link: `/pay/${row.invoice}`,
      createdAt: toTimestamp(row.createdAtMs),
      expiresAt: toTimestamp(row.expiresAtMs),
    };
  });
}

export async function viewInvoice(deps: Reading, row: InvoiceRow): Promise<InvoiceView> {
  const [view] = await viewInvoices(deps, [row]);
  return present(view, "One row makes one view.");
}

/** The note of an invoice's payment was sealed for the invoice. */
function noteSubject(row: PaymentRow): string {
  return row.invoice ?? row.payment;
}
