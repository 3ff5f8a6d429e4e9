import { paymentsErrors } from "@tideway/api-payments";
import { personOf } from "@tideway/http";
import type { Handler } from "@tideway/http";
import type { Dependencies, Routes } from "../dependencies.ts";
import { readPayment } from "../store/payments.ts";
import type { PaymentRow } from "../store/payments.ts";
import { viewPayment } from "../views.ts";

export function payment(deps: Dependencies): Handler<Routes["payment"]> {
  return async (request) => {
    const { paymentId } = request.params;
    const row = await readPayment(deps.pool, paymentId);
    if (row === null || !maySee(row, personOf(request))) {
      throw paymentsErrors.error("PAYMENT_NOT_FOUND", { given: { payment: paymentId } });
    }
    return viewPayment(deps, row);
  };
}

/** As in the list: the payee sees money that came, not attempts to send it. */
function maySee(row: PaymentRow, person: string): boolean {
  return row.payer === person || (row.payee === person && row.status.state === "paid");
}
