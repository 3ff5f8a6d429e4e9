/**
 * An invoice:
 *
 *   open ── claimed by a payment ──> paying ── the payment was paid ──> paid
 *     │  <── the payment failed ────────┘
 *     ├── its time is over ──> expired
 *     └── the payee cancels ─> cancelled
 *
 * While it is being paid it neither expires nor can be cancelled: the money may have moved.
 */
import { paymentsErrors } from "@tideway/api-payments";
import { invariant, toTimestamp, unreachable } from "@tideway/kernel";

export type InvoiceStatus =
  | { readonly state: "open" }
  | { readonly state: "paying"; readonly payment: string }
  | { readonly state: "paid"; readonly payment: string }
  | { readonly state: "expired" }
  | { readonly state: "cancelled" };

export interface InvoiceTerms {
  readonly payee: string;
  readonly expiresAtMs: number;
}

/** The status once the clock was looked at. */
export function invoiceAt(
  status: InvoiceStatus,
  terms: InvoiceTerms,
  nowMs: number,
): InvoiceStatus {
  const isOver = status.state === "open" && nowMs >= terms.expiresAtMs;
  return isOver ? { state: "expired" } : status;
}

export interface InvoiceClaim {
  readonly payment: string;
  readonly payer: string;
  readonly nowMs: number;
}

/**
 * The status when `claim.payment` takes the invoice; unchanged when it has taken it before.
 * Throws PAYMENT_SELF, INVOICE_BEING_PAID, INVOICE_PAID, INVOICE_EXPIRED or INVOICE_CANCELLED.
 */
export function claimInvoice(
  status: InvoiceStatus,
  terms: InvoiceTerms,
  claim: InvoiceClaim,
): InvoiceStatus {
  if (claim.payer === terms.payee) throw paymentsErrors.error("PAYMENT_SELF");
  const now = invoiceAt(status, terms, claim.nowMs);
  switch (now.state) {
    case "open":
      return { state: "paying", payment: claim.payment };
    case "paying":
      if (now.payment === claim.payment) return now;
      throw paymentsErrors.error("INVOICE_BEING_PAID");
    case "paid":
      if (now.payment === claim.payment) return now;
      throw paymentsErrors.error("INVOICE_PAID");
    case "expired":
      throw expired(terms);
    case "cancelled":
      throw paymentsErrors.error("INVOICE_CANCELLED");
    default:
      return unreachable(now);
  }
}

/** The status once its payment has become final. */
export function settleInvoice(
  status: InvoiceStatus,
  payment: { readonly payment: string; readonly state: "paid" | "failed" },
): InvoiceStatus {
  invariant(
    status.state === "paying" && status.payment === payment.payment,
    "Only the payment that claimed an invoice settles it.",
  );
  return payment.state === "paid" ? { state: "paid", payment: payment.payment } : { state: "open" };
}

/**
 * The status when `person` cancels; cancelling again changes nothing. Throws INVOICE_NOT_YOURS,
 * INVOICE_BEING_PAID, INVOICE_PAID or INVOICE_EXPIRED.
 */
export function cancelInvoice(
  status: InvoiceStatus,
  terms: InvoiceTerms,
  { person, nowMs }: { readonly person: string; readonly nowMs: number },
): InvoiceStatus {
  if (person !== terms.payee) throw paymentsErrors.error("INVOICE_NOT_YOURS");
  const now = invoiceAt(status, terms, nowMs);
  switch (now.state) {
    case "open":
    case "cancelled":
      return { state: "cancelled" };
    case "paying":
      throw paymentsErrors.error("INVOICE_BEING_PAID");
    case "paid":
      throw paymentsErrors.error("INVOICE_PAID");
    case "expired":
      throw expired(terms);
    default:
      return unreachable(now);
  }
}

function expired(terms: InvoiceTerms): Error {
  return paymentsErrors.error("INVOICE_EXPIRED", {
    given: { expiresAt: toTimestamp(terms.expiresAtMs) },
  });
}
