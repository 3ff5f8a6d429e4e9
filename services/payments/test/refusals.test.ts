/** What is refused, each with its own code: amounts, people, demo money, keys, and what is down. */
import { AMOUNT_MAX, newId } from "@tideway/kernel";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ask, codeOf, failureOf, newKey, send, startMoney } from "./money-under-test.ts";
import type { Money, Person } from "./money-under-test.ts";

let money: Money;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  money = await startMoney();
  [ada, ben] = await Promise.all([money.rich("Ada"), money.rich("Ben")]);
});
afterEach(() => money.heal());
afterAll(() => money.close());

const sendTo = (
  to: { readonly email: string } | { readonly person: string },
  money_: { readonly amount?: string; readonly asset?: string } = {},
) =>
  ada.payments.sendPayment({
    body: { to, amount: money_.amount ?? "1", asset: money_.asset ?? "EUR" },
    idempotencyKey: newKey(),
  });
const topUp = (person: Person, key = newKey()) =>
  person.payments.topUp({ body: {}, idempotencyKey: key });

describe("amounts and assets", () => {
  test.each([
    ["zero", "0"],
    ["a negative one", "-5"],
    ["a fraction", "1.5"],
    ["an exponent", "1e3"],
    ["a leading zero", "007"],
    ["nothing", ""],
    ["words", "five"],
    ["forty digits", "9".repeat(40)],
    ["2^128", (AMOUNT_MAX + 1n).toString()],
  ])("%s is no amount", async (_, amount) => {
    expect(await codeOf(send(ada, ben, amount))).toBe("AMOUNT_INVALID");
    expect(await codeOf(ask(ada, amount))).toBe("AMOUNT_INVALID");
  });

  test("the largest amount there is can be asked for, and is more than an account can hold", async () => {
    const most = AMOUNT_MAX.toString();
    expect((await ask(ada, most)).money.amount).toBe(most);
    const failure = await failureOf(send(ada, ben, most));
    expect(failure).toMatchObject({ code: "PAYMENT_REFUSED", status: 409 });
    expect(failure.given["reason"]).toBe("BALANCE_OVERFLOW");
    const [attempt] = (await ada.payments.payments()).items;
    expect(attempt).toMatchObject({ state: "failed", failure: "BALANCE_OVERFLOW" });
    expect(await codeOf(send(ada, ben, "100001"))).toBe("FUNDS_INSUFFICIENT");
  });

  test("an asset that the ledger does not have", async () => {
    const failure = await failureOf(sendTo({ person: ben.person }, { asset: "XYZ" }));
    expect(failure).toMatchObject({ code: "ASSET_UNKNOWN", status: 400, given: { asset: "XYZ" } });
    const asked = ada.payments.createInvoice({
      body: { amount: "1", asset: "XYZ" },
      idempotencyKey: newKey(),
    });
    expect(await codeOf(asked)).toBe("ASSET_UNKNOWN");
  });

  test("another asset has its own account and scale", async () => {
    const paid = await sendTo({ person: ben.person }, { asset: "USDC", amount: "1500000" });
    expect(paid.money).toEqual({ amount: "1500000", asset: "USDC", scale: 6 });
    expect(await money.available(ben, "USDC")).toBe(251_500_000n);
    expect(await codeOf(sendTo({ person: ben.person }, { asset: "ETH" }))).toBe(
      "FUNDS_INSUFFICIENT",
    );
  });

  test("unknown fields, long notes and lives out of bounds do not match the schema", async () => {
    expect(await codeOf(send(ada, ben, "1", { note: "x".repeat(141) }))).toBe("BODY_INVALID");
    const body = { amount: "1", asset: "EUR", expiresInSeconds: 59 };
    const asked = ada.payments.createInvoice({ body, idempotencyKey: newKey() });
    expect(await codeOf(asked)).toBe("BODY_INVALID");
    expect(await codeOf(send(ada, ben, "1", { key: "short" }))).toBe("IDEMPOTENCY_KEY_INVALID");
  });
});

describe("people", () => {
  test("are found by their address in any spelling", async () => {
    const paid = await sendTo({ email: ` ${ben.email.toUpperCase()} ` });
    expect(paid.payee).toEqual({ person: ben.person, name: "Ben" });
  });

  test("who do not exist are not paid", async () => {
    expect(await codeOf(sendTo({ email: "nobody@tideway.example" }))).toBe("RECIPIENT_NOT_FOUND");
    expect(await codeOf(sendTo({ email: "no address" }))).toBe("RECIPIENT_NOT_FOUND");
    expect(await codeOf(sendTo({ person: newId("per") }))).toBe("RECIPIENT_NOT_FOUND");
  });

  test("cannot pay themselves, by address or by id", async () => {
    expect(await codeOf(sendTo({ email: ada.email }))).toBe("PAYMENT_SELF");
    expect(await codeOf(sendTo({ person: ada.person }))).toBe("PAYMENT_SELF");
  });

  test("must be signed in", async () => {
    expect(await codeOf(money.payments.as({}).balances())).toBe("TOKEN_MISSING");
  });
});

describe("demo money", () => {
  test("is given once a day, also to one who asks many times at once", async () => {
    const cleo = await money.signUp();
    expect((await cleo.payments.balances()).balances).toEqual([]);
    const key = newKey();
    const results = await Promise.allSettled([
      ...Array.from({ length: 4 }, () => topUp(cleo, key)),
      ...Array.from({ length: 4 }, () => topUp(cleo)),
    ]);
    expect(results.some((one) => one.status === "fulfilled")).toBe(true);
    for (const one of results) {
      if (one.status === "fulfilled") continue;
      expect(await codeOf(Promise.reject(one.reason))).toBe("TOP_UP_LIMIT");
    }
    const { balances } = await cleo.payments.balances();
    expect(balances).toEqual([
      { asset: "EUR", name: expect.any(String), scale: 2, available: "100000", held: "0" },
      { asset: "USDC", name: expect.any(String), scale: 6, available: "250000000", held: "0" },
    ]);
    expect(await codeOf(topUp(cleo))).toBe("TOP_UP_LIMIT");
  });

  test("that was cut off half way is completed by the next request, and not given twice", async () => {
    const cleo = await money.signUp();
    let postings = 0;
    money.gateway.fault = (call) => {
      if (call.path !== "/transfers" || call.method !== "POST") return "none";
      return ++postings > 1 ? "refuse" : "none";
    };
    expect(await codeOf(topUp(cleo))).toBe("UPSTREAM_UNAVAILABLE");
    await money.heal();
    expect(await money.available(cleo)).toBe(100_000n);
    await topUp(cleo);
    expect(await money.available(cleo)).toBe(100_000n);
    expect(await money.available(cleo, "USDC")).toBe(250_000_000n);
    expect(await codeOf(topUp(cleo))).toBe("TOP_UP_LIMIT");
  });

  test("a new day brings new money, and a retry of yesterday's request none", async () => {
    const cleo = await money.signUp();
    const key = newKey();
    await topUp(cleo, key);
    await money.admin.query("update top_ups set day = day - 1");
    // As if the answer had never been kept: the handler runs again under yesterday's operation.
    await money.admin.query(
      "update idempotency_keys set status = null, reply = null where key = $1",
      [key],
    );
    await topUp(cleo, key);
    expect(await money.available(cleo)).toBe(100_000n);
  });

  test("does not exist in production", async () => {
    const production = await money.startAnother({ profile: "production" });
    const asked = money.as(ada, production).topUp({ body: {}, idempotencyKey: newKey() });
    expect(await codeOf(asked)).toBe("TOP_UP_UNAVAILABLE");
    await production.stop();
  });
});

describe("what is down", () => {
  test("without the ledger nothing about money is answered, and nothing is guessed", async () => {
    money.gateway.fault = (call) => (call.service === "ledger" ? "refuse" : "none");
    for (const call of [() => ada.payments.balances(), () => send(ada, ben, "1")]) {
      const failure = await failureOf(call());
      expect(failure).toMatchObject({ code: "UPSTREAM_UNAVAILABLE", status: 503, retryable: true });
      expect(failure.given["service"]).toBe("ledger");
    }
    expect((await ada.payments.payments()).items.length).toBeGreaterThan(0);
  });

  test("without identity a known person is paid, an address cannot be looked up", async () => {
    await send(ada, ben, "1");
    money.gateway.fault = (call) => (call.service === "identity" ? "refuse" : "none");
    expect((await send(ada, ben, "1")).state).toBe("paid");
    expect(await codeOf(sendTo({ email: ben.email }))).toBe("UPSTREAM_UNAVAILABLE");
    expect(await codeOf(sendTo({ person: newId("per") }))).toBe("UPSTREAM_UNAVAILABLE");
  });
});
