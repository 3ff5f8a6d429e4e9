/** Writes what the ledger said of a payment, together with its invoice. */
import { invariant, present } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Transaction } from "@tideway/store";
import type { Dependencies } from "./dependencies.ts";
import { settleInvoice } from "./domain/invoice.ts";
import { settlePayment } from "./domain/payment.ts";
import type { PaymentStatus, TransferOutcome } from "./domain/payment.ts";
import { lockInvoice, writeInvoiceStatus } from "./store/invoices.ts";
import { lockPayment, readPayment, writePaymentStatus } from "./store/payments.ts";
import type { PaymentRow } from "./store/payments.ts";

/** The payment as it is now for good; safe to repeat, also by several at once. */
export async function finishPayment(
  { pool, counters }: Pick<Dependencies, "pool" | "counters">,
  payment: Pick<PaymentRow, "payment" | "invoice">,
  outcome: TransferOutcome,
): Promise<PaymentRow> {
  const done = await tx(pool, (t) => finish(t, payment, outcome));
  // Counted after the commit, by whoever made it final.
  if (done.changed && done.row.status.state !== "pending") counters.finished(done.row.status.state);
  return done.row;
}

async function finish(
  t: Transaction,
  { payment, invoice }: Pick<PaymentRow, "payment" | "invoice">,
  outcome: TransferOutcome,
): Promise<{ readonly row: PaymentRow; readonly changed: boolean }> {
  // Claiming locks the invoice before it touches the payment; the same order here, or they deadlock.
  const claimed = invoice === null ? null : await lockInvoice(t, invoice);
  const before = present(await lockPayment(t, payment), "Payments are never deleted.");
  const status = settlePayment(before.status, outcome);
  if (before.status.state !== "pending") return { row: before, changed: false };
  invariant(status.state !== "pending", "An outcome of the ledger makes a payment final.");
  await writePaymentStatus(t, payment, status);
  if (invoice !== null) {
    const { status: old } = present(claimed, "A payment's invoice is never deleted.");
    await writeInvoiceStatus(t, invoice, settleInvoice(old, { payment, state: status.state }));
  }
  const after = present(await readPayment(t, payment), "It was just written.");
  invariant(sameStatus(after.status, status), "The row reads back as it was written.");
  return { row: after, changed: true };
}

function sameStatus(a: PaymentStatus, b: PaymentStatus): boolean {
  const failureOf = (status: PaymentStatus): string | null =>
    status.state === "failed" ? status.failure : null;
  return a.state === b.state && failureOf(a) === failureOf(b);
}
