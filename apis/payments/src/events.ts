/** What payments tells of. Opaque ids and amounts only: no names, no notes. */
import { AssetCode, IdOf, MinorAmount } from "@tideway/schema";
import type { EventApi } from "@tideway/schema";
import { Type } from "typebox";

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

const payment = {
  payment: IdOf("pay"),
  /** The ledger transfer that moved the money, or that never will. */
  transfer: IdOf("trf"),
  payer: IdOf("per"),
  payee: IdOf("per"),
  /** Minor units. */
  amount: MinorAmount,
  asset: AssetCode,
  scale: Type.Integer(),
  invoice: Nullable(IdOf("inv")),
};

export const paymentsEvents = {
  paymentPaid: {
    type: "payments.payment.paid.v1",
    summary: "A payment was made.",
    key: "the payer",
    data: Type.Object(payment),
    shedding: "critical",
  },
  paymentFailed: {
    type: "payments.payment.failed.v1",
    summary: "A payment failed for good; no money moved, and none will.",
    key: "the payer",
    data: Type.Object({
      ...payment,
      /** An error code. */
      failure: Type.String({ maxLength: 100 }),
    }),
    shedding: "critical",
  },
  invoicePaid: {
    type: "payments.invoice.paid.v1",
    summary: "An invoice was paid.",
    key: "the invoice",
    data: Type.Object({ ...payment, invoice: IdOf("inv") }),
    shedding: "critical",
  },
} as const satisfies Readonly<Record<string, EventApi>>;
