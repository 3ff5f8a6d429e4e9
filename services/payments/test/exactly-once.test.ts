/**
 * Money moves once or not at all: under duplicates at once, on two instances, and whatever is cut
 * off between the ledger's commit and our own row. Cuts are made by a gateway that loses answers.
 */
import { idToUuid, until } from "@tideway/kernel";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ask, codeOf, failureOf, newKey, pay, send, startMoney } from "./money-under-test.ts";
import type { Money, PaymentsService } from "./money-under-test.ts";
import type { Call, Fault } from "./test-gateway.ts";

let money: Money;
let second: PaymentsService;
beforeAll(async () => {
  money = await startMoney();
  second = await money.startAnother();
});
afterEach(() => money.heal());
afterAll(() => money.close());

const isPosting = (call: Call): boolean =>
  call.service === "ledger" && call.method === "POST" && call.path === "/transfers";
const loseAnswers = (): void => {
  money.gateway.fault = (call) => (isPosting(call) ? "lose-answer" : "none");
};
const refusePostings = (): void => {
  money.gateway.fault = (call) => (isPosting(call) ? "refuse" : "none");
};
const heal = (): Promise<void> => money.heal();
const pendingOf = async (payer: { readonly person: string }) => {
  const found = await money.admin.query<{ count: number }>(
    `select count(*)::int as count from payments where state = 'pending'
     and payer = $1`,
    [idToUuid("per", payer.person)],
  );
  return found.rows[0]?.count ?? 0;
};

describe("duplicates", () => {
  test("of one key at once, on two instances, are one payment and one answer", async () => {
    for (let round = 0; round < 5; round++) {
      const [ada, ben] = await Promise.all([money.rich(), money.rich()]);
      const key = newKey();
      const elsewhere = money.as(ada, second);
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          send(ada, ben, "480", { key, ...(i % 2 === 0 ? {} : { by: elsewhere }) }),
        ),
      );
      const [first] = answers;
      for (const answer of answers) expect(answer).toEqual(first);
      expect(first).toMatchObject({ state: "paid", failure: null, invoice: null });
      expect(await money.movements(first?.payment ?? "")).toBe(1);
      expect(await money.available(ada)).toBe(99_520n);
      expect(await money.available(ben)).toBe(100_480n);
    }
  });

  test("a retry long after is answered alike, and another body is refused", async () => {
    const [ada, ben] = await Promise.all([money.rich(), money.signUp()]);
    const key = newKey();
    const first = await send(ada, ben, "100", { key });
    expect(await send(ada, ben, "100", { key })).toEqual(first);
    expect(await codeOf(send(ada, ben, "101", { key }))).toBe("IDEMPOTENCY_KEY_REUSED");
    expect(await money.available(ben)).toBe(100n);
  });

  test("without funds, duplicates at once are refused alike and nothing moves", async () => {
    const [poor, ben] = await Promise.all([money.signUp(), money.signUp()]);
    const key = newKey();
    const codes = await Promise.all(
      Array.from({ length: 6 }, () => codeOf(send(poor, ben, "1", { key }))),
    );
    expect(new Set(codes)).toEqual(new Set(["FUNDS_INSUFFICIENT"]));
    const { items } = await poor.payments.payments();
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ state: "failed", failure: "FUNDS_INSUFFICIENT" });
  });

  test("two payments of the same money: one is paid, the other fails", async () => {
    const [ada, ben] = await Promise.all([money.rich(), money.signUp()]);
    const both = await Promise.allSettled([send(ada, ben, "60000"), send(ada, ben, "60000")]);
    expect(both.map((one) => one.status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await money.available(ada)).toBe(40_000n);
  });
});

describe("cut off after the ledger's commit", () => {
  test("the client is told to retry, and the retry answers the one payment", async () => {
    const [ada, ben] = await Promise.all([money.rich(), money.signUp()]);
    const key = newKey();
    loseAnswers();
    const failure = await failureOf(send(ada, ben, "480", { key }));
    expect(failure).toMatchObject({ code: "UPSTREAM_UNAVAILABLE", status: 503, retryable: true });
    expect(await pendingOf(ada)).toBe(1);
    expect(await money.available(ben)).toBe(480n);
    await heal();
    const paid = await send(ada, ben, "480", { key });
    expect(paid.state).toBe("paid");
    expect(await money.movements(paid.payment)).toBe(1);
    expect(await money.available(ada)).toBe(99_520n);
  });

  test("another instance answers the retry", async () => {
    const [ada, ben] = await Promise.all([money.rich(), money.signUp()]);
    const key = newKey();
    loseAnswers();
    await failureOf(send(ada, ben, "480", { key }));
    await heal();
    const paid = await send(ada, ben, "480", { key, by: money.as(ada, second) });
    expect(paid.state).toBe("paid");
    expect(await money.movements(paid.payment)).toBe(1);
  });

  test("a lost refusal is found again by the retry", async () => {
    const [poor, ben] = await Promise.all([money.signUp(), money.signUp()]);
    const key = newKey();
    loseAnswers();
    expect(await codeOf(send(poor, ben, "5", { key }))).toBe("UPSTREAM_UNAVAILABLE");
    await heal();
    expect(await codeOf(send(poor, ben, "5", { key }))).toBe("FUNDS_INSUFFICIENT");
  });

  test("without a retry, the background of a new instance finds the payment and pays the invoice", async () => {
    const [ada, ben] = await Promise.all([money.rich(), money.signUp()]);
    const { invoice } = await ask(ben, "700");
    const key = newKey();
    loseAnswers();
    expect(await codeOf(pay(ada, invoice, key))).toBe("UPSTREAM_UNAVAILABLE");
    await heal();
    const read = () => ben.payments.invoice({ params: { invoiceId: invoice } });
    expect((await read()).state).toBe("paying");
    await money.passTime();
    const third = await money.startAnother({ pollEveryMs: 50 });
    const paid = await until(
      async () => {
        const found = await read();
        return found.state === "paid" && found;
      },
      { deadlineMs: 10_000, what: "the invoice is paid" },
    );
    await third.stop();
    const retried = await pay(ada, invoice, key);
    expect(retried).toMatchObject({ state: "paid", payment: paid.payment });
    expect(await money.movements(retried.payment)).toBe(1);
    expect(await money.available(ben)).toBe(700n);
    expect(third.logLines.join("\n")).toContain("saga.over");
  });

  test("the background finds a lost refusal too and opens the invoice again", async () => {
    const [poor, ada, ben] = await Promise.all([money.signUp(), money.rich(), money.signUp()]);
    const { invoice } = await ask(ben, "700");
    const key = newKey();
    loseAnswers();
    await failureOf(pay(poor, invoice, key));
    await heal();
    await money.passTime();
    const third = await money.startAnother({ pollEveryMs: 50 });
    await until(async () => (await pendingOf(poor)) === 0, {
      deadlineMs: 10_000,
      what: "the payment is final",
    });
    await third.stop();
    expect(await codeOf(pay(poor, invoice, key))).toBe("FUNDS_INSUFFICIENT");
    expect((await pay(ada, invoice)).state).toBe("paid");
  });
});

describe("cut off before the ledger", () => {
  test("a retry within time carries the payment out", async () => {
    const [ada, ben] = await Promise.all([money.rich(), money.signUp()]);
    const key = newKey();
    refusePostings();
    expect(await codeOf(send(ada, ben, "480", { key }))).toBe("UPSTREAM_UNAVAILABLE");
    expect(await money.available(ben)).toBe(0n);
    await heal();
    expect((await send(ada, ben, "480", { key })).state).toBe("paid");
  });

  test("without a retry it is given up for good, and others may pay the invoice", async () => {
    const [ada, cleo, ben] = await Promise.all([money.rich(), money.rich(), money.signUp()]);
    const { invoice } = await ask(ben, "700");
    const key = newKey();
    refusePostings();
    await failureOf(pay(ada, invoice, key));
    await heal();
    expect(await codeOf(pay(cleo, invoice))).toBe("INVOICE_BEING_PAID");
    await money.passTime();
    const third = await money.startAnother({ pollEveryMs: 50 });
    await until(async () => (await pendingOf(ada)) === 0, {
      deadlineMs: 10_000,
      what: "the payment is given up",
    });
    await third.stop();
    expect(await codeOf(pay(ada, invoice, key))).toBe("PAYMENT_ABANDONED");
    expect((await pay(cleo, invoice)).state).toBe("paid");
    expect(await money.available(ada)).toBe(100_000n);
    const { items } = await ada.payments.payments();
    expect(items[0]).toMatchObject({ state: "failed", failure: "PAYMENT_ABANDONED", invoice });
  });

  test("a posting that was under way while the background gave it up does not move money", async () => {
    const [ada, ben] = await Promise.all([money.rich(), money.signUp()]);
    const arrived = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    money.gateway.fault = async (call): Promise<Fault> => {
      if (isPosting(call)) {
        arrived.resolve();
        await gate.promise;
      }
      return "none";
    };
    const attempt = codeOf(send(ada, ben, "480"));
    await arrived.promise;
    await money.passTime();
    const third = await money.startAnother({ pollEveryMs: 50 });
    await until(async () => (await pendingOf(ada)) === 0, {
      deadlineMs: 8_000,
      what: "the payment is given up",
    });
    gate.resolve();
    expect(await attempt).toBe("PAYMENT_ABANDONED");
    await third.stop();
    expect(await money.available(ada)).toBe(100_000n);
    expect(await money.available(ben)).toBe(0n);
  });

  test("the background leaves alone a payment that is being retried just now", async () => {
    const [ada, ben] = await Promise.all([money.rich(), money.signUp()]);
    const key = newKey();
    refusePostings();
    await failureOf(send(ada, ben, "480", { key }));
    await money.passTime();
    const arrived = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    money.gateway.fault = async (call): Promise<Fault> => {
      if (isPosting(call)) {
        arrived.resolve();
        await gate.promise;
      }
      return "none";
    };
    const retry = send(ada, ben, "480", { key });
    await arrived.promise;
    const third = await money.startAnother({ pollEveryMs: 50 });
    const woken = await third.fetchAs({ caller: "bus" })("http://payments/tideway/wake", {
      method: "POST",
    });
    expect(await woken.json()).toEqual({ due: 0 });
    gate.resolve();
    expect((await retry).state).toBe("paid");
    await third.stop();
  });

  test("the background keeps trying what it cannot find out", async () => {
    const [ada, ben] = await Promise.all([money.rich(), money.signUp()]);
    const key = newKey();
    money.gateway.fault = (call) =>
      call.service === "ledger" && call.path.startsWith("/transfers") ? "refuse" : "none";
    await failureOf(send(ada, ben, "480", { key }));
    const third = await money.startAnother({ pollEveryMs: 20 });
    const lookUps = () =>
      money.gateway.calls.filter((call) => call.path.startsWith("/transfers/trf_")).length;
    const before = lookUps();
    await money.passTime();
    await until(() => third.logLines.some((line) => line.includes("saga.try-failed")), {
      deadlineMs: 10_000,
      what: "a round meets the silent ledger",
    });
    expect(lookUps()).toBeGreaterThan(before);
    expect(await pendingOf(ada)).toBe(1);
    await heal();
    // The retry takes it over between two rounds, whenever the next one would come.
    expect((await send(ada, ben, "480", { key })).state).toBe("paid");
    await third.stop();
  });
});

test("a posting refused for a mistake of ours is an INTERNAL error, not a refused payment", async () => {
  const [ada, ben] = await Promise.all([money.rich(), money.signUp()]);
  // Without the payer's token the ledger misses the consent.
  const withoutToken = money.as({ ...ada, token: "" }, money.payments);
  const failure = await failureOf(send(ada, ben, "480", { by: withoutToken }));
  expect(failure).toMatchObject({ code: "INTERNAL", status: 500 });
  expect(await money.available(ben)).toBe(0n);
  await money.passTime();
  const third = await money.startAnother({ pollEveryMs: 50 });
  await until(async () => (await pendingOf(ada)) === 0, {
    deadlineMs: 10_000,
    what: "the payment is given up",
  });
  await third.stop();
});
