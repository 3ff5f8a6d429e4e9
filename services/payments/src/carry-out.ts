/**
 * Carries a payment out, exactly once:
 *
 *   row pending (with the transfer's id) ──> ledger makes the transfer ──> row final
 *
 * Whatever dies in between, whoever comes next (a retry with the same key, another instance, the
 * background) finds the row, asks for the same transfer and gets the same answer: the ledger makes
 * an id once or never.
 */
import type { Dependencies } from "./dependencies.ts";
import { failureError } from "./domain/failure.ts";
import { finishPayment } from "./finish-payment.ts";
import type { PaymentRow } from "./store/payments.ts";

/** The paid payment. Throws its failure, or UPSTREAM_UNAVAILABLE while nobody knows. */
export async function carryOut(deps: Dependencies, payment: PaymentRow): Promise<PaymentRow> {
  const done = payment.status.state === "pending" ? await move(deps, payment) : payment;
  if (done.status.state === "failed") throw failureError(done.status.failure);
  return done;
}

async function move(deps: Dependencies, payment: PaymentRow): Promise<PaymentRow> {
  const { transfer, payer, payee, amountMinor, asset } = payment;
  const [debit, credit] = await Promise.all([
    deps.ledger.customerAccount(payer, asset),
    deps.ledger.customerAccount(payee, asset),
  ]);
  const outcome = await deps.ledger.post({
    transfer,
    debit,
    credit,
    amountMinor,
    asset,
    code: "payment",
    reference: payment.payment,
  });
  return finishPayment(deps, payment, outcome);
}
