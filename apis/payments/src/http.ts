import {
  AssetCode,
  IdOf,
  MinorAmount,
  Money,
  PageOf,
  PageQuery,
  Timestamp,
  defineApi,
  strict,
} from "@tideway/schema";
import { Type } from "typebox";
import { paymentsErrors } from "./errors.ts";
import { paymentsEvents } from "./events.ts";

export const PaymentId = IdOf("pay");
export const InvoiceId = IdOf("inv");
const PersonId = IdOf("per");
const Note = Type.String({ maxLength: 140 });
const Party = Type.Object({ person: PersonId, name: Type.String() });
const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

export const Balance = Type.Object({
  asset: AssetCode,
  name: Type.String(),
  scale: Type.Integer(),
  /** What can be spent. */
  available: MinorAmount,
  /** What is held for payments under way. */
  held: MinorAmount,
});

/** pending -> paid, or pending -> failed with a code. Both are final. */
export const PaymentState = Type.Union([
  Type.Literal("pending"),
  Type.Literal("paid"),
  Type.Literal("failed"),
]);

export const Payment = Type.Object({
  payment: PaymentId,
  state: PaymentState,
  money: Money,
  payer: Party,
  payee: Party,
  invoice: Nullable(InvoiceId),
  note: Nullable(Note),
  /** Why it failed: an error code. */
  failure: Nullable(Type.String()),
  /** The ledger transfer that moves, or would have moved, the money. */
  transfer: Type.String(),
  createdAt: Timestamp,
  /** When it became paid or failed. */
  finishedAt: Nullable(Timestamp),
});

/** open -> paying -> paid; open -> expired; open -> cancelled; paying -> open when the payment failed. */
export const InvoiceState = Type.Union([
  Type.Literal("open"),
  Type.Literal("paying"),
  Type.Literal("paid"),
  Type.Literal("expired"),
  Type.Literal("cancelled"),
]);

export const Invoice = Type.Object({
  invoice: InvoiceId,
  state: InvoiceState,
  money: Money,
  payee: Party,
  note: Nullable(Note),
  /** The payment that paid it. */
  payment: Nullable(PaymentId),
  /** Path of the page that pays it, below the public address: /pay/inv_... */
  link: Type.String(),
  createdAt: Timestamp,
  expiresAt: Timestamp,
});

const common = { auth: "person", exposure: "public" } as const;
/** Asked for loosely, so that every amount that is none gets the code AMOUNT_INVALID. */
const AskedAmount = Type.String({
  maxLength: 100,
  description: "Minor units as a decimal string, more than zero: 480 is 4.80 EUR.",
});
const money = { amount: AskedAmount, asset: AssetCode };

export const paymentsApi = defineApi({
  name: "payments",
  version: "1.0.0",
  errors: paymentsErrors,
  events: paymentsEvents,
  routes: {
    balances: {
      ...common,
      method: "GET",
      path: "/balances",
      summary: "What the signed-in person has, per asset.",
      reply: Type.Object({ balances: Type.Array(Balance) }),
    },
    sendPayment: {
      ...common,
      method: "POST",
      path: "/payments",
      summary: "Send money to another person, at once and exactly once.",
      idempotent: true,
      body: strict({
        to: Type.Union([
          strict({ email: Type.String({ minLength: 3, maxLength: 254 }) }),
          strict({ person: PersonId }),
        ]),
        ...money,
        note: Type.Optional(Note),
      }),
      reply: Payment,
      replyStatus: 201,
    },
    payments: {
      ...common,
      method: "GET",
      path: "/payments",
      summary: "The signed-in person's payments, both ways, newest first.",
      query: strict(PageQuery),
      reply: PageOf(Payment),
    },
    payment: {
      ...common,
      method: "GET",
      path: "/payments/:paymentId",
      summary: "One payment of the signed-in person.",
      params: strict({ paymentId: PaymentId }),
      reply: Payment,
    },
    createInvoice: {
      ...common,
      method: "POST",
      path: "/invoices",
      summary: "Ask for money; the link can be shown as a QR code.",
      idempotent: true,
      body: strict({
        ...money,
        note: Type.Optional(Note),
        expiresInSeconds: Type.Optional(
          Type.Integer({ minimum: 60, maximum: 2_592_000, default: 86_400 }),
        ),
      }),
      reply: Invoice,
      replyStatus: 201,
    },
    invoices: {
      ...common,
      method: "GET",
      path: "/invoices",
      summary: "The invoices of the signed-in person, newest first.",
      query: strict(PageQuery),
      reply: PageOf(Invoice),
    },
    invoice: {
      ...common,
      method: "GET",
      path: "/invoices/:invoiceId",
      summary: "An invoice by its link, for the payer and the payee.",
      params: strict({ invoiceId: InvoiceId }),
      reply: Invoice,
    },
    payInvoice: {
      ...common,
      method: "POST",
      path: "/invoices/:invoiceId/pay",
      summary:
        "Pay an invoice. Of two people at once one pays; the other gets a coded error and is not charged.",
      idempotent: true,
      params: strict({ invoiceId: InvoiceId }),
      body: strict({}),
      reply: Payment,
      replyStatus: 201,
    },
    cancelInvoice: {
      ...common,
      method: "POST",
      path: "/invoices/:invoiceId/cancel",
      summary: "Cancel an open invoice of one's own.",
      idempotent: true,
      params: strict({ invoiceId: InvoiceId }),
      body: strict({}),
      reply: Invoice,
    },
    eraseNotes: {
      ...common,
      method: "DELETE",
      path: "/notes",
      summary:
        "Destroy for good all notes that the signed-in person wrote. Payments and invoices stay.",
      reply: Type.Object({}),
    },
    topUp: {
      ...common,
      method: "POST",
      path: "/demo/top-up",
      summary: "Demo profile only: 1,000.00 EUR and 250.00 USDC of demo money, once a day.",
      idempotent: true,
      body: strict({}),
      reply: Type.Object({ balances: Type.Array(Balance) }),
    },
  },
});
