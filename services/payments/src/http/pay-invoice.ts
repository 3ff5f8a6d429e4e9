import { paymentsErrors } from "@tideway/api-payments";
import { personOf } from "@tideway/http";
import type { Handler } from "@tideway/http";
import { derivedId, present } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Transaction } from "@tideway/store";
import { carryOut } from "../carry-out.ts";
import type { Dependencies, Routes } from "../dependencies.ts";
import { claimInvoice } from "../domain/invoice.ts";
import { lockInvoice, writeInvoiceStatus } from "../store/invoices.ts";
import { insertPayment, postponeCheck, readPayment } from "../store/payments.ts";
import type { PaymentRow } from "../store/payments.ts";
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
    const begun = request.isRepeat ? await readPayment(deps.pool, claim.payment) : null;
    if (begun !== null) await postponeCheck(deps.pool, claim.payment);
    const row = begun ?? (await tx(deps.pool, (t) => begin(t, claim)));
    return viewPayment(deps, await carryOut(deps, row));
  };
}

interface Claim {
  readonly payment: string;
  readonly transfer: string;
  readonly payer: string;
  readonly invoice: string;
}

/** Claims the invoice and writes the payment down, both or neither. */
async function begin(t: Transaction, claim: Claim): Promise<PaymentRow> {
  const { invoice, payment, transfer, payer } = claim;
  const found = await lockInvoice(t, invoice);
  if (found === null) throw paymentsErrors.error("INVOICE_NOT_FOUND", { given: { invoice } });
  // A duplicate of this request may have begun, and even failed, while this one waited for the lock.
  const begun = await readPayment(t, payment);
  if (begun !== null) return begun;
  const status = claimInvoice(found.status, found, { payment, payer, nowMs: found.nowMs });
  await writeInvoiceStatus(t, invoice, status);
  const { payee, amountMinor, asset, scale } = found;
  const terms = { payment, transfer, payer, payee, amountMinor, asset, scale, invoice, note: null };
  const inserted = await insertPayment(t, terms);
  return present(inserted, "An invoice that was claimed has no other payment.");
}
