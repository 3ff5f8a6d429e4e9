/**
 * The ledger tells that a transfer was made. A payment that was cut off before it heard so itself is
 * finished at once; its saga finds it done. For all others this changes nothing.
 */
import { ledgerApi } from "@tideway/api-ledger";
import { consume } from "@tideway/events";
import type { Consumer } from "@tideway/events";
import { isId } from "@tideway/kernel";
import { finishPayment } from "../finish-payment.ts";
import type { FinishParts } from "../finish-payment.ts";
import { readPayment } from "../store/payments.ts";

export function transferPosted(parts: FinishParts): Consumer {
  return consume(ledgerApi, "transferPosted", async (t, { data }) => {
    const { service, code, kind, reference, transfer } = data;
    if (service !== "payments" || code !== "payment" || kind !== "post") return;
    if (reference === null || !isId("pay", reference)) return;
    const row = await readPayment(t, reference);
    if (row?.status.state !== "pending" || row.transfer !== transfer) return;
    await finishPayment(parts, t, row, { kind: "moved" });
  });
}
