/** The state machines, driven by random commands and held against what must be true of any history. */
import { CodedError, InvariantBroken } from "@tideway/kernel";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failureError } from "./failure.ts";
import { cancelInvoice, claimInvoice, invoiceAt, settleInvoice } from "./invoice.ts";
import type { InvoiceStatus, InvoiceTerms } from "./invoice.ts";
import { ABANDONED, settlePayment } from "./payment.ts";
import type { PaymentStatus, TransferOutcome } from "./payment.ts";

const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    if (error instanceof InvariantBroken) return "BROKEN";
    throw error;
  }
  return "none";
};
const terms: InvoiceTerms = { payee: "per_payee", expiresAtMs: 1_000 };
const moved: TransferOutcome = { kind: "moved" };
const refused: TransferOutcome = { kind: "not-moved", failure: "FUNDS_INSUFFICIENT" };

describe("payment", () => {
  test("the ledger's word makes a pending payment final, and repeating it changes nothing", () => {
    const pending: PaymentStatus = { state: "pending" };
    const failed: PaymentStatus = { state: "failed", failure: "FUNDS_INSUFFICIENT" };
    expect(settlePayment(pending, moved)).toEqual({ state: "paid" });
    expect(settlePayment(pending, refused)).toEqual(failed);
    expect(settlePayment({ state: "paid" }, moved)).toEqual({ state: "paid" });
    const later = { kind: "not-moved", failure: ABANDONED } as const;
    expect(settlePayment(failed, later)).toEqual(failed);
  });

  test("a final payment is never contradicted", () => {
    expect(codeOf(() => settlePayment({ state: "paid" }, refused))).toBe("BROKEN");
    expect(codeOf(() => settlePayment({ state: "failed", failure: "X" }, moved))).toBe("BROKEN");
  });

  test("each failure has one coded answer that a retry cannot change", () => {
    const codes = ["FUNDS_INSUFFICIENT", ABANDONED, "BALANCE_OVERFLOW"].map((failure) => {
      const error = failureError(failure);
      expect(error.definition).toMatchObject({ status: 409, retryable: false });
      return error.code;
    });
    expect(codes).toEqual(["FUNDS_INSUFFICIENT", "PAYMENT_ABANDONED", "PAYMENT_REFUSED"]);
  });
});

describe("invoice", () => {
  const open: InvoiceStatus = { state: "open" };
  const claim = (status: InvoiceStatus, payment = "pay_a", nowMs = 0, payer = "per_payer") =>
    claimInvoice(status, terms, { payment, payer, nowMs });
  const cancel = (status: InvoiceStatus, nowMs = 0, person = terms.payee) =>
    cancelInvoice(status, terms, { person, nowMs });
  const paying: InvoiceStatus = { state: "paying", payment: "pay_a" };
  const paid: InvoiceStatus = { state: "paid", payment: "pay_a" };

  test.each([
    [open, "none", "none"],
    [paying, "INVOICE_BEING_PAID", "INVOICE_BEING_PAID"],
    [paid, "INVOICE_PAID", "INVOICE_PAID"],
    [{ state: "expired" }, "INVOICE_EXPIRED", "INVOICE_EXPIRED"],
    [{ state: "cancelled" }, "INVOICE_CANCELLED", "none"],
  ] as const)("%j answers another payment %s and a cancellation %s", (status, claimed, ended) => {
    expect(codeOf(() => claim(status, "pay_b"))).toBe(claimed);
    expect(codeOf(() => cancel(status))).toBe(ended);
  });

  test("the payment that claimed it may ask again", () => {
    expect(claim(paying)).toEqual(paying);
    expect(claim(paid)).toEqual(paid);
  });

  test("time ends an open invoice to the millisecond, and no other", () => {
    expect(invoiceAt(open, terms, 999)).toEqual(open);
    expect(invoiceAt(open, terms, 1_000)).toEqual({ state: "expired" });
    for (const status of [paying, paid, { state: "cancelled" } as const]) {
      expect(invoiceAt(status, terms, 9_999)).toEqual(status);
    }
    expect(codeOf(() => claim(open, "pay_a", 1_000))).toBe("INVOICE_EXPIRED");
    expect(codeOf(() => cancel(open, 1_000))).toBe("INVOICE_EXPIRED");
  });

  test("nobody pays their own invoice, and nobody cancels another's, in any state", () => {
    for (const status of [open, paying, paid, { state: "expired" } as const]) {
      expect(codeOf(() => claim(status, "pay_b", 0, terms.payee))).toBe("PAYMENT_SELF");
      expect(codeOf(() => cancel(status, 0, "per_payer"))).toBe("INVOICE_NOT_YOURS");
    }
  });

  test("only the payment that claimed it settles it", () => {
    expect(settleInvoice(paying, { payment: "pay_a", state: "paid" })).toEqual(paid);
    expect(settleInvoice(paying, { payment: "pay_a", state: "failed" })).toEqual(open);
    const wrong = [open, paid, { state: "cancelled" }, { state: "paying", payment: "pay_b" }];
    for (const status of wrong as InvoiceStatus[]) {
      // Each is one; the array's type is wider.
      expect(codeOf(() => settleInvoice(status, { payment: "pay_a", state: "paid" }))).toBe(
        "BROKEN",
      );
    }
  });
});

/** Several people at one invoice, each payment a process of its own, in any order of events. */
describe("any history of an invoice", () => {
  const commands = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant("claim" as const), payment: fc.nat(4) }),
      fc.record({ do: fc.constant("answer" as const), payment: fc.nat(4), moved: fc.boolean() }),
      fc.record({ do: fc.constant("cancel" as const) }),
      fc.record({ do: fc.constant("wait" as const), ms: fc.nat(400) }),
    ),
    { maxLength: 60 },
  );
  const FINAL = ["paid", "expired", "cancelled"];

  test("is paid at most once, never changes once final, and charges nobody else", () => {
    fc.assert(
      fc.property(commands, (history) => {
        let invoice: InvoiceStatus = { state: "open" };
        let nowMs = 0;
        const payments = new Map<string, PaymentStatus>();
        for (const command of history) {
          const before: InvoiceStatus = invoice;
          try {
            if (command.do === "wait") nowMs += command.ms;
            if (command.do === "cancel") {
              invoice = cancelInvoice(invoice, terms, { person: terms.payee, nowMs });
            }
            if (command.do === "claim") {
              const payment = `pay_${command.payment}`;
              // As the handler does: a payment that was begun before claims nothing again.
              if (!payments.has(payment)) {
                invoice = claimInvoice(invoice, terms, { payment, payer: "per_payer", nowMs });
                payments.set(payment, { state: "pending" });
              }
            }
            if (command.do === "answer") {
              const payment = `pay_${command.payment}`;
              const status = payments.get(payment);
              if (status?.state === "pending") {
                const settled = settlePayment(status, command.moved ? moved : refused);
                payments.set(payment, settled);
                if (settled.state !== "pending") {
                  invoice = settleInvoice(invoice, { payment, state: settled.state });
                }
              }
            }
          } catch (error) {
            if (!(error instanceof CodedError)) throw error;
            expect(invoice).toEqual(before);
          }
          if (FINAL.includes(before.state)) expect(invoice).toEqual(before);
          const statuses = [...payments.values()].map((status) => status.state);
          const open = statuses.filter((state) => state === "pending").length;
          const done = statuses.filter((state) => state === "paid").length;
          expect(open).toBe(invoice.state === "paying" ? 1 : 0);
          expect(done).toBe(invoice.state === "paid" ? 1 : 0);
        }
      }),
      { numRuns: 300 },
    );
  });
});
