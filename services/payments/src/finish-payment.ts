/** Writes what the ledger said of a payment, together with its invoice. */
import { invariant, present } from "@tideway/kernel";
import type { paymentsApi } from "@tideway/api-payments";
import type { Publish } from "@tideway/events";
import { afterCommit } from "@tideway/store";
import type { Queryable, Transaction } from "@tideway/store";
import type { Counters } from "./dependencies.ts";
import { settleInvoice } from "./domain/invoice.ts";
import { settlePayment } from "./domain/payment.ts";
import type { PaymentStatus, TransferOutcome } from "./domain/payment.ts";
import { lockInvoice, writeInvoiceStatus } from "./store/invoices.ts";
import { lockPayment, readPayment, writePaymentStatus } from "./store/payments.ts";
import type { PaymentRow } from "./store/payments.ts";

export interface FinishParts {
  readonly publish: Publish<typeof paymentsApi>;
  readonly counters: Counters;
}

/**
 * The payment as it is now for good, and the events that tell of it, within the transaction `t`;
 * safe to repeat, also by several at once.
 */
export async function finishPayment(
  { publish, counters }: FinishParts,
  t: Transaction,
  { payment, invoice }: Pick<PaymentRow, "payment" | "invoice">,
  outcome: TransferOutcome,
): Promise<PaymentRow> {
  const { row, changed } =
    invoice === null
      ? await finishAlone(t, payment, outcome)
      : await finishWithInvoice(t, { payment, invoice }, outcome);
  if (!changed) return row;
  await tellOf(publish, t, row);
  const { state } = row.status;
  // Counted after the commit, by whoever made it final.
  if (state !== "pending") afterCommit(t, () => counters.finished(state));
  return row;
}

async function tellOf(
  publish: FinishParts["publish"],
  t: Transaction,
  row: PaymentRow,
): Promise<void> {
  const { payment, transfer, payer, payee, asset, scale, invoice, status } = row;
  const amount = row.amountMinor.toString();
  const data = { payment, transfer, payer, payee, amount, asset, scale, invoice };
  if (status.state === "failed") {
    const { failure } = status;
    await publish(t, "paymentFailed", { key: payer, data: { ...data, failure } });
    return;
  }
  await publish(t, "paymentPaid", { key: payer, data });
  if (invoice !== null) {
    await publish(t, "invoicePaid", { key: invoice, data: { ...data, invoice } });
  }
}

interface Finished {
  readonly row: PaymentRow;
  /** False when it was final before. */
  readonly changed: boolean;
}

/** One row and one statement: only a pending payment is written, so no lock is taken first. */
async function finishAlone(
  db: Queryable,
  payment: string,
  outcome: TransferOutcome,
): Promise<Finished> {
  const row = await write(db, payment, settlePayment({ state: "pending" }, outcome));
  if (row !== null) return { row, changed: true };
  const before = present(await readPayment(db, payment), "Payments are never deleted.");
  invariant(before.status.state !== "pending", "What could not be made final was final already.");
  // Breaks an invariant when the outcome contradicts what was written before.
  settlePayment(before.status, outcome);
  return { row: before, changed: false };
}

async function finishWithInvoice(
  t: Transaction,
  { payment, invoice }: { readonly payment: string; readonly invoice: string },
  outcome: TransferOutcome,
): Promise<Finished> {
  // Claiming locks the invoice before it touches the payment; the same order here, or they deadlock.
  const claimed = await lockInvoice(t, invoice);
  const before = present(await lockPayment(t, payment), "Payments are never deleted.");
  const status = settlePayment(before.status, outcome);
  if (before.status.state !== "pending") return { row: before, changed: false };
  const row = present(await write(t, payment, status), "It is locked, and was pending.");
  invariant(status.state !== "pending", "An outcome of the ledger makes a payment final.");
  const { status: old } = present(claimed, "A payment's invoice is never deleted.");
  await writeInvoiceStatus(t, invoice, settleInvoice(old, { payment, state: status.state }));
  return { row, changed: true };
}

/** Writes the status and checks it as it was written; null when the payment was final already. */
async function write(
  db: Queryable,
  payment: string,
  status: PaymentStatus,
): Promise<PaymentRow | null> {
  invariant(status.state !== "pending", "An outcome of the ledger makes a payment final.");
  const row = await writePaymentStatus(db, payment, status);
  invariant(
    row === null || sameStatus(row.status, status),
    "The row reads back as it was written.",
  );
  return row;
}

function sameStatus(a: PaymentStatus, b: PaymentStatus): boolean {
  const failureOf = (status: PaymentStatus): string | null =>
    status.state === "failed" ? status.failure : null;
  return a.state === b.state && failureOf(a) === failureOf(b);
}
