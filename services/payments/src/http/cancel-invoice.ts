import { paymentsErrors } from "@tideway/api-payments";
import { personOf } from "@tideway/http";
import type { Handler } from "@tideway/http";
import { present } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Dependencies, Routes } from "../dependencies.ts";
import { cancelInvoice as decide } from "../domain/invoice.ts";
import { lockInvoice, readInvoice, writeInvoiceStatus } from "../store/invoices.ts";
import { viewInvoice } from "../views.ts";

export function cancelInvoice(deps: Dependencies): Handler<Routes["cancelInvoice"]> {
  return async (request) => {
    const invoice = request.params.invoiceId;
    const person = personOf(request);
    const row = await tx(deps.pool, async (t) => {
      const found = await lockInvoice(t, invoice);
      if (found === null) throw paymentsErrors.error("INVOICE_NOT_FOUND", { given: { invoice } });
      const status = decide(found.status, found, { person, nowMs: found.nowMs });
      if (status.state === found.status.state) return found;
      await writeInvoiceStatus(t, invoice, status);
      return present(await readInvoice(t, invoice), "It was just written.");
    });
    return viewInvoice(deps, row);
  };
}
