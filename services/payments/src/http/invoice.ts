import { paymentsErrors } from "@tideway/api-payments";
import type { Handler } from "@tideway/http";
import type { Dependencies, Routes } from "../dependencies.ts";
import { readInvoice } from "../store/invoices.ts";
import { viewInvoice } from "../views.ts";

/** Whoever has the link may see what it asks for: that is what the link is for. */
export function invoice(deps: Dependencies): Handler<Routes["invoice"]> {
  return async ({ params }) => {
    const row = await readInvoice(deps.pool, params.invoiceId);
    if (row !== null) return viewInvoice(deps, row);
    throw paymentsErrors.error("INVOICE_NOT_FOUND", { given: { invoice: params.invoiceId } });
  };
}
