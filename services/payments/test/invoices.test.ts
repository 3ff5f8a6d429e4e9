/** Asking for money: links, two payers at once, expiry, cancelling. */
import { idToUuid, until } from "@tideway/kernel";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ask, codeOf, failureOf, newKey, outlive, pay, startMoney } from "./money-under-test.ts";
import type { Money, PaymentsService, Person } from "./money-under-test.ts";

let money: Money;
let second: PaymentsService;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  money = await startMoney();
  second = await money.startAnother();
  [ada, ben] = await Promise.all([money.rich("Ada"), money.rich("Ben")]);
});
afterEach(() => money.heal());
afterAll(() => money.close());

const read = (invoiceId: string, by: Person = ada) =>
  by.payments.invoice({ params: { invoiceId } });
const cancel = (by: Person, invoiceId: string, key = newKey()) =>
  by.payments.cancelInvoice({ params: { invoiceId }, body: {}, idempotencyKey: key });

describe("asking and paying", () => {
  test("an invoice is shown to whoever has its link, and paid by one of them", async () => {
    const invoice = await ask(ada, "1250", "Two coffees");
    expect(invoice).toMatchObject({
      state: "open",
      money: { amount: "1250", asset: "EUR", scale: 2 },
      payee: { person: ada.person, name: "Ada" },
      note: "Two coffees",
      payment: null,
      link: `/pay/${invoice.invoice}`,
    });
    const lifeMs = Date.parse(invoice.expiresAt) - Date.parse(invoice.createdAt);
    expect(lifeMs).toBe(86_400_000);
    expect(await read(invoice.invoice, ben)).toEqual(invoice);
    const before = await money.available(ben);
    const payment = await pay(ben, invoice.invoice);
    expect(payment).toMatchObject({
      state: "paid",
      money: invoice.money,
      payer: { person: ben.person, name: "Ben" },
      payee: { person: ada.person, name: "Ada" },
      invoice: invoice.invoice,
      note: "Two coffees",
    });
    expect(await read(invoice.invoice)).toMatchObject({ state: "paid", payment: payment.payment });
    expect(await money.available(ben)).toBe(before - 1_250n);
    expect(await codeOf(pay(ben, invoice.invoice))).toBe("INVOICE_PAID");
    expect(await codeOf(cancel(ada, invoice.invoice))).toBe("INVOICE_PAID");
    expect(await money.movements(payment.payment)).toBe(1);
  });

  test("the same key makes one invoice, also at once", async () => {
    const key = newKey();
    const make = () =>
      ada.payments.createInvoice({
        body: { amount: "5", asset: "EUR", expiresInSeconds: 60 },
        idempotencyKey: key,
      });
    const made = await Promise.all([make(), make(), make()]);
    expect(new Set(made.map((one) => one.invoice)).size).toBe(1);
    expect(await make()).toEqual(made[0]);
  });

  test("one who cannot afford it leaves it open for others", async () => {
    const poor = await money.signUp();
    const { invoice } = await ask(ada, "1");
    expect(await codeOf(pay(poor, invoice))).toBe("FUNDS_INSUFFICIENT");
    expect((await read(invoice)).state).toBe("open");
    expect((await pay(ben, invoice)).state).toBe("paid");
  });

  test("one's own invoice and an unknown one are refused", async () => {
    const { invoice } = await ask(ada, "1");
    expect(await codeOf(pay(ada, invoice))).toBe("PAYMENT_SELF");
    const unknown = `inv_${"0".repeat(26)}`;
    expect(await codeOf(pay(ben, unknown))).toBe("INVOICE_NOT_FOUND");
    expect(await codeOf(read(unknown))).toBe("INVOICE_NOT_FOUND");
    expect(await codeOf(cancel(ada, unknown))).toBe("INVOICE_NOT_FOUND");
  });
});

describe("several payers at once", () => {
  test("in every round one pays, the others are told and keep their money", async () => {
    const payers = await Promise.all(Array.from({ length: 4 }, () => money.rich()));
    const refusals = new Map<string, number>();
    let paidSum = 0n;
    const start = await money.available(ada);
    for (let round = 1; round <= 15; round++) {
      const { invoice } = await ask(ada, String(round));
      const results = await Promise.allSettled(
        payers.map((payer, i) =>
          pay(payer, invoice, newKey(), i % 2 ? money.as(payer, second) : payer.payments),
        ),
      );
      const paid = results.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
      expect(paid).toHaveLength(1);
      for (const one of results) {
        if (one.status === "fulfilled") continue;
        const code = await codeOf(Promise.reject(one.reason));
        refusals.set(code, (refusals.get(code) ?? 0) + 1);
      }
      paidSum += BigInt(round);
      expect(await read(invoice)).toMatchObject({ state: "paid", payment: paid[0]?.payment });
    }
    const codes = [...refusals.keys()];
    expect(codes.every((code) => ["INVOICE_BEING_PAID", "INVOICE_PAID"].includes(code))).toBe(true);
    const left = await Promise.all(payers.map((payer) => money.available(payer)));
    expect(left.reduce((sum, one) => sum + one, 0n)).toBe(400_000n - paidSum);
    expect(await money.available(ada)).toBe(start + paidSum);
  });

  test("one person with two keys at once pays once", async () => {
    const { invoice } = await ask(ada, "300");
    const before = await money.available(ben);
    const results = await Promise.allSettled([pay(ben, invoice), pay(ben, invoice)]);
    expect(results.filter((one) => one.status === "fulfilled")).toHaveLength(1);
    expect(await money.available(ben)).toBe(before - 300n);
  });

  test("duplicates of one key at once pay once and answer alike", async () => {
    const { invoice } = await ask(ada, "300");
    const before = await money.available(ben);
    const key = newKey();
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        pay(ben, invoice, key, i % 2 ? money.as(ben, second) : ben.payments),
      ),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await money.available(ben)).toBe(before - 300n);
  });

  test("the database itself refuses a second payment that could move money", async () => {
    const { invoice } = await ask(ada, "300");
    const { payment } = await pay(ben, invoice);
    const copy = money.admin.query(
      `insert into payments (payment, transfer, payer, payee, amount, asset, scale, invoice)
       select gen_random_uuid(), gen_random_uuid(), payer, payee, amount, asset, scale, invoice
       from payments where payment = $1`,
      [idToUuid("pay", payment)],
    );
    await expect(copy).rejects.toThrow("payments_one_per_invoice");
    const change = money.admin.query("update payments set state = 'pending' where payment = $1", [
      idToUuid("pay", payment),
    ]);
    await expect(change).rejects.toThrow("which is final");
  });
});

describe("ending", () => {
  test("the payee cancels, again and again; nobody else does", async () => {
    const { invoice } = await ask(ada, "10");
    expect(await codeOf(cancel(ben, invoice))).toBe("INVOICE_NOT_YOURS");
    const cancelled = await cancel(ada, invoice);
    expect(cancelled.state).toBe("cancelled");
    expect(await cancel(ada, invoice)).toEqual(cancelled);
    expect(await codeOf(pay(ben, invoice))).toBe("INVOICE_CANCELLED");
  });

  test("cancelling and paying at once: one of them happens", async () => {
    for (let round = 0; round < 8; round++) {
      const { invoice } = await ask(ada, "10");
      const before = await money.available(ben);
      const [cancelled, paid] = await Promise.allSettled([cancel(ada, invoice), pay(ben, invoice)]);
      expect([cancelled.status, paid.status].sort()).toEqual(["fulfilled", "rejected"]);
      const isPaid = paid.status === "fulfilled";
      expect((await read(invoice)).state).toBe(isPaid ? "paid" : "cancelled");
      expect(await money.available(ben)).toBe(isPaid ? before - 10n : before);
    }
  });

  test("it expires by the database's clock and is shown as expired at once", async () => {
    const { invoice } = await ask(ada, "10");
    await outlive(money, invoice);
    expect((await read(invoice)).state).toBe("expired");
    const failure = await failureOf(pay(ben, invoice));
    expect(failure).toMatchObject({ code: "INVOICE_EXPIRED", status: 409 });
    expect(failure.given["expiresAt"]).toMatch(/^\d{4}-/);
    expect(await codeOf(cancel(ada, invoice))).toBe("INVOICE_EXPIRED");
    const third = await money.startAnother({ pollEveryMs: 50 });
    await until(
      async () => {
        const found = await money.admin.query("select state from invoices where invoice = $1", [
          idToUuid("inv", invoice),
        ]);
        return found.rows[0]?.state === "expired";
      },
      { deadlineMs: 10_000, what: "the row says so too" },
    );
    await third.stop();
  });

  test("while it is being paid it neither expires nor can be cancelled", async () => {
    const { invoice } = await ask(ada, "10");
    const key = newKey();
    money.gateway.fault = (call) =>
      call.path === "/transfers" && call.method === "POST" ? "lose-answer" : "none";
    expect(await codeOf(pay(ben, invoice, key))).toBe("UPSTREAM_UNAVAILABLE");
    await money.heal();
    await outlive(money, invoice);
    expect((await read(invoice)).state).toBe("paying");
    expect(await codeOf(cancel(ada, invoice))).toBe("INVOICE_BEING_PAID");
    expect((await pay(ben, invoice, key)).state).toBe("paid");
    expect((await read(invoice)).state).toBe("paid");
  });
});
