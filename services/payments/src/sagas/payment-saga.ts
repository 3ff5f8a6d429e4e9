/**
 * A payment, as a saga:
 *
 *   claim (tx) ──> move (pivot: the ledger's transfer) ──> finish (tx, with its events)
 *     └── undone by writing the failure, when the transfer is refused for good
 *
 * The claim is the transaction that starts the saga: the payment's row, and the invoice's. Debiting
 * the payer needs the payer's own token, which is never written down. So only a run on behalf of the
 * waiting payer asks for the transfer; any other run asks the ledger what became of it, and once
 * nobody came for it within 5 s burns its id, so that the payment fails for good.
 */
import { AssetCode, IdOf, MinorAmount } from "@tideway/schema";
import { defineSaga } from "@tideway/saga";
import type { SagaDefinition } from "@tideway/saga";
import { Type } from "typebox";
import type { Static } from "typebox";
import { ABANDONED } from "../domain/payment.ts";
import { finishPayment } from "../finish-payment.ts";
import type { FinishParts } from "../finish-payment.ts";
import { customerAccountId } from "../remote/ledger.ts";
import type { Ledger, TransferOrder } from "../remote/ledger.ts";
import type { PaymentTerms } from "../store/payments.ts";
import { askLedger, transferStep } from "./transfer-step.ts";

export const PAYMENT_SAGA = { name: "payment", version: 1 } as const;
/** How long a payment waits for its payer to come back before it is given up, in milliseconds. */
export const ABANDONED_AFTER_MS = 5_000;

export const PaymentData = Type.Object({
  payment: IdOf("pay"),
  invoice: Type.Union([IdOf("inv"), Type.Null()]),
  transfer: IdOf("trf"),
  debit: IdOf("acc"),
  credit: IdOf("acc"),
  amount: MinorAmount,
  asset: AssetCode,
});
export type PaymentData = Static<typeof PaymentData>;

/** What the saga of a payment works with; the same for the same payment, whoever starts it. */
export async function paymentData(
  terms: Omit<PaymentTerms, "note" | "scale">,
): Promise<PaymentData> {
  const { payment, invoice, transfer, payer, payee, asset, amountMinor } = terms;
  const [debit, credit] = await Promise.all([
    customerAccountId(payer, asset),
    customerAccountId(payee, asset),
  ]);
  return { payment, invoice, transfer, debit, credit, amount: amountMinor.toString(), asset };
}

export function paymentSaga(ledger: Ledger, parts: FinishParts): SagaDefinition {
  return defineSaga({
    ...PAYMENT_SAGA,
    input: PaymentData,
    steps: (on) => [
      on.tx("claim", {
        run: () => null,
        undo: (t, { data, reason }) =>
          finishPayment(parts, t, data, { kind: "not-moved", failure: reason?.code ?? ABANDONED }),
      }),
      on.pivot("move", {
        ...transferStep(ledger, orderOf),
        settle: {
          afterMs: ABANDONED_AFTER_MS,
          ask: ({ data }, ask) => askLedger(ledger, orderOf(data), ask),
        },
      }),
      on.tx("finish", {
        run: async (t, { data }) => {
          const { finishedAtMs } = await finishPayment(parts, t, data, { kind: "moved" });
          return { finishedAtMs };
        },
        undo: "none",
      }),
    ],
  });
}

function orderOf(data: PaymentData): TransferOrder {
  const { transfer, debit, credit, amount, asset, payment } = data;
  const code = "payment" as const;
  return { transfer, kind: "post", debit, credit, amount, asset, code, reference: payment };
}
