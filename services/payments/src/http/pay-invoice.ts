import { paymentsErrors } from "@tideway/api-payments";
import { personOf } from "@tideway/http";
import type { Handler } from "@tideway/http";
import { derivedId, present } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Transaction } from "@tideway/store";
import type { Dependencies, Routes } from "../dependencies.ts";
import { claimInvoice } from "../domain/invoice.ts";
import { openAccounts } from "../open-accounts.ts";
import { lockInvoice, readInvoice, writeInvoiceStatus } from "../store/invoices.ts";
import { settleAgain, settlePayment, startPayment } from "../settle-payment.ts";
import type { Begun } from "../settle-payment.ts";
import { insertPayment, readPayment } from "../store/payments.ts";
import { viewPayment } from "../views.ts";

/** Pays an invoice. Of several people at once the first to claim it pays, the others are told. */
export function payInvoice(deps: Dependencies): Handler<Routes["payInvoice"]> {
  return async (request) => {
    const { operation, params } = request;
    const claim: Claim = {
      payment: await derivedId("pay", operation),
      transfer: await derivedId("trf", "payment", operation),
      payer: personOf(request),
      invoice: params.invoiceId,
    };
    const found = request.isRepeat ? await readPayment(deps.pool, claim.payment) : null;
    const { row, isNew } = found === null ? await begin(deps, claim) : { row: found, isNew: false };
    const done = isNew ? await settlePayment(deps, row) : await settleAgain(deps, row);
    return viewPayment(deps, done);
  };
}

interface Claim {
  readonly payment: string;
  readonly transfer: string;
  readonly payer: string;
  readonly invoice: string;
}

/** Opens the accounts, claims the invoice, and writes the payment down with its saga. */
async function begin(deps: Dependencies, claim: Claim): Promise<Begun> {
  const { invoice, payer } = claim;
  const found = await readInvoice(deps.pool, invoice);
  if (found === null) throw paymentsErrors.error("INVOICE_NOT_FOUND", { given: { invoice } });
  // Whoever may not pay it is told so by the claim; accounts are for those who may.
  if (found.payee !== payer) await openAccounts(deps, { payer, ...found });
  return tx(deps.pool, (t) => beginLocked(deps, t, claim));
}

async function beginLocked(deps: Dependencies, t: Transaction, claim: Claim): Promise<Begun> {
  const { invoice, payment, transfer, payer } = claim;
  const found = present(await lockInvoice(t, invoice), "Invoices are never deleted.");
  // A duplicate of this request may have begun, and even failed, while this one waited for the lock.
  const begun = await readPayment(t, payment);
  if (begun !== null) return { row: begun, isNew: false };
  const status = claimInvoice(found.status, found, { payment, payer, nowMs: found.nowMs });
  await writeInvoiceStatus(t, invoice, status);
  const { payee, amountMinor, asset, scale } = found;
  const terms = { payment, transfer, payer, payee, amountMinor, asset, scale, invoice, note: null };
  const row = present(
    await insertPayment(t, terms),
    "An invoice that was claimed has no other payment.",
  );
  await startPayment(deps, t, row, { isNew: true, attended: true });
  return { row, isNew: true };
}
