/** Transfers through the api: the rule, its limits, repeats, and every way to be refused. */
import { AMOUNT_MAX, newId } from "@tideway/kernel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  capitalOf,
  codeOf,
  customer,
  failureOf,
  fund,
  isBalanced,
  openAccount,
  payment,
  standing,
  startLedger,
} from "../../test/harness.ts";
import type { TestLedger, TransferBody } from "../../test/harness.ts";

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startLedger();
});
afterAll(() => ledger.close());

const post = (body: TransferBody, person?: string) =>
  ledger.as(person === undefined ? {} : { person }).postTransfer({ body });
/** Two accounts of merchants: their payments need nobody's token. */
const merchants = async (amount: bigint) =>
  [
    await openAccount(ledger, { code: 220, amount }),
    await openAccount(ledger, { code: 220 }),
  ] as const;

describe("post", () => {
  test("moves money from one account to the other, and the books balance", async () => {
    const [ada, ben] = [await customer(ledger, 1_000n), await customer(ledger)];
    const made = await post(payment(ada.account, ben.account, 480), ada.person);
    expect(made).toMatchObject({ kind: "post", amount: "480", scale: 2, state: "posted" });
    expect(made).toMatchObject({ service: "payments", revision: "payments-1", pending: null });
    expect(await standing(ledger, ada.account)).toEqual({ available: 520n, held: 0n });
    expect(await standing(ledger, ben.account)).toEqual({ available: 480n, held: 0n });
    expect(await isBalanced(ledger)).toBe(true);
    expect(await ledger.as().transfer({ params: { transferId: made.transfer } })).toEqual(made);
  });

  test("takes the last minor unit but not one more", async () => {
    const [from, to] = await merchants(100n);
    expect(await codeOf(post(payment(from, to, 101)))).toBe("FUNDS_INSUFFICIENT");
    await post(payment(from, to, 100));
    expect(await standing(ledger, from)).toEqual({ available: 0n, held: 0n });
  });

  test("an amount of zero is a transfer too", async () => {
    const [from, to] = await merchants(0n);
    expect(await post(payment(from, to, 0))).toMatchObject({ amount: "0", state: "posted" });
  });

  test("capital may go below zero, and tells how much demo money was given", async () => {
    const before = BigInt((await capital("USD")).available);
    await openAccount(ledger, { amount: 700n, asset: "USD" });
    expect(BigInt((await capital("USD")).available)).toBe(before - 700n);
  });

  const capital = (asset: string) => ledger.as().systemAccount({ params: { code: 310, asset } });
});

describe("repeats", () => {
  test("the same id and fields answer the same transfer and move once", async () => {
    const [from, to] = await merchants(100n);
    const body = payment(from, to, 60, { reference: "pay_1" });
    const first = await post(body);
    expect(await post(body)).toEqual(first);
    expect(await standing(ledger, from)).toEqual({ available: 40n, held: 0n });
  });

  test("a repeat needs neither the person nor the money any more", async () => {
    const [ada, ben] = [await customer(ledger, 50n), await customer(ledger)];
    const body = payment(ada.account, ben.account, 50);
    const first = await post(body, ada.person);
    expect(await post(body)).toEqual(first);
  });

  test("another field under the same id is refused and named", async () => {
    const [from, to] = await merchants(500n);
    const other = await openAccount(ledger, { code: 220 });
    const body = payment(from, to, 5, { reference: "pay_1" });
    await post(body);
    const changes: [string, Partial<TransferBody>][] = [
      ["kind", { kind: "hold" }],
      ["debit", { debit: other }],
      ["credit", { credit: other }],
      ["amount", { amount: "6" }],
      ["reference", { reference: "pay_2" }],
      ["asset", { asset: "USD" }],
      ["code", { code: "purchase" }],
    ];
    for (const [field, change] of changes) {
      const error = await failureOf(post({ ...body, ...change }));
      expect(error).toMatchObject({ code: "TRANSFER_EXISTS_DIFFERENT", given: { field } });
    }
    expect(await standing(ledger, from)).toEqual({ available: 495n, held: 0n });
  });

  test("another service learns only that the id is taken", async () => {
    const [from, to] = await merchants(10n);
    const body = payment(from, to, 5);
    await post(body);
    const error = await failureOf(ledger.as({ caller: "exchange" }).postTransfer({ body }));
    expect(error).toMatchObject({
      code: "TRANSFER_EXISTS_DIFFERENT",
      given: { transfer: body.transfer, field: "service" },
    });
  });

  test("of two equal requests at once one moves money and both get it", async () => {
    const [from, to] = await merchants(100n);
    const body = payment(from, to, 10);
    const answers = await Promise.all(Array.from({ length: 6 }, () => post(body)));
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(await standing(ledger, from)).toEqual({ available: 90n, held: 0n });
  });
});

describe("burned ids", () => {
  test("a refusal for lack of money uses the id up, and a repeat tells the first reason", async () => {
    const [from, to] = await merchants(10n);
    const body = payment(from, to, 11);
    expect(await failureOf(post(body))).toMatchObject({
      code: "FUNDS_INSUFFICIENT",
      status: 409,
      given: { account: from, available: "10", amount: "11" },
    });
    await fund(ledger, from, { amount: 100n });
    const repeated = { code: "TRANSFER_ID_BURNED", given: { reason: "FUNDS_INSUFFICIENT" } };
    expect(await failureOf(post(body))).toMatchObject(repeated);
    expect(await failureOf(post({ ...body, amount: "1" }))).toMatchObject(repeated);
    const params = { transferId: body.transfer };
    expect(await failureOf(ledger.as().transfer({ params }))).toMatchObject(repeated);
    const stranger = await failureOf(ledger.as({ caller: "exchange" }).transfer({ params }));
    expect(stranger).toMatchObject({ code: "TRANSFER_ID_BURNED" });
    expect(stranger?.given).toEqual({ transfer: body.transfer });
    expect(await standing(ledger, from)).toEqual({ available: 110n, held: 0n });
  });

  test("crediting a limited debit account beyond its balance is CREDIT_LIMIT, and burns too", async () => {
    const debt = await openAccount(ledger, { code: 920 });
    const house = await capitalOf(ledger);
    const code = "demo-money";
    await post(payment(debt, house, 30, { code }));
    const body = payment(house, debt, 31, { code });
    expect(await codeOf(post(body))).toBe("CREDIT_LIMIT");
    expect(await codeOf(post({ ...body, amount: "30" }))).toBe("TRANSFER_ID_BURNED");
    await post(payment(house, debt, 30, { code }));
    expect(await standing(ledger, debt)).toEqual({ available: 0n, held: 0n });
  });

  test("other refusals leave the id free for the corrected transfer", async () => {
    const [from, to] = await merchants(10n);
    const body = payment(from, to, 5, { credit: newId("acc") });
    expect(await codeOf(post(body))).toBe("ACCOUNT_NOT_FOUND");
    expect(await post({ ...body, credit: to })).toMatchObject({ amount: "5" });
  });

  test("burning keeps an unused id from ever moving money; a used one answers its transfer", async () => {
    const [from, to] = await merchants(10n);
    const burn = (transferId: string, code = "payment", caller = "payments") =>
      ledger.as({ caller }).burnTransfer({ params: { transferId }, body: { code } });
    const unused = payment(from, to, 5);
    expect(await burn(unused.transfer)).toEqual({ burned: true, transfer: null });
    expect(await burn(unused.transfer)).toEqual({ burned: true, transfer: null });
    expect(await failureOf(post(unused))).toMatchObject({
      code: "TRANSFER_ID_BURNED",
      given: { reason: "BURNED_ON_REQUEST" },
    });
    const used = await post(payment(from, to, 5));
    expect(await burn(used.transfer)).toEqual({ burned: false, transfer: used });
    expect(await failureOf(burn(used.transfer, "demo-money"))).toMatchObject({
      code: "TRANSFER_EXISTS_DIFFERENT",
      given: { field: "code" },
    });
    expect(await failureOf(burn(used.transfer, "payment", "exchange"))).toMatchObject({
      code: "TRANSFER_EXISTS_DIFFERENT",
      given: { field: "service" },
    });
  });

  test("a burn and a transfer of one id at once never both happen", async () => {
    const [from, to] = await merchants(1_000n);
    for (let round = 0; round < 15; round++) {
      const body = payment(from, to, 1);
      const [code, burn] = await Promise.all([
        codeOf(post(body)),
        ledger
          .as()
          .burnTransfer({ params: { transferId: body.transfer }, body: { code: "payment" } }),
      ]);
      expect(code).toBe(burn.burned ? "TRANSFER_ID_BURNED" : "none");
    }
  });
});

describe("refusals", () => {
  test.each([
    ["a fraction", { amount: "1.5" }, "BODY_INVALID"],
    ["a negative amount", { amount: "-1" }, "BODY_INVALID"],
    ["an exponent", { amount: "1e3" }, "BODY_INVALID"],
    ["a leading zero", { amount: "01" }, "BODY_INVALID"],
    ["40 digits", { amount: "1".repeat(40) }, "BODY_INVALID"],
    ["more than 128 bits", { amount: (AMOUNT_MAX + 1n).toString() }, "AMOUNT_INVALID"],
    ["a timeout on a post", { timeoutSeconds: 5 }, "BODY_INVALID"],
    ["a pending on a post", { pending: newId("trf") }, "BODY_INVALID"],
    ["a reference with a blank", { reference: "for Ada" }, "BODY_INVALID"],
    ["an id of another kind", { transfer: newId("pay") }, "BODY_INVALID"],
    ["another asset", { asset: "USD" }, "ASSET_MISMATCH"],
    ["an unknown asset", { asset: "DOGE" }, "ASSET_MISMATCH"],
    ["an unknown account", { debit: newId("acc") }, "ACCOUNT_NOT_FOUND"],
  ])("%s", async (_, change, code) => {
    const [from, to] = await merchants(10n);
    expect(await codeOf(post(payment(from, to, 1, change)))).toBe(code);
    expect(await standing(ledger, from)).toEqual({ available: 10n, held: 0n });
  });

  test.each(["debit", "credit", "amount"] as const)("a post without %s", async (field) => {
    const { [field]: left, ...rest } = payment(newId("acc"), newId("acc"), 1);
    expect(left).toBeDefined();
    expect(await failureOf(post(rest))).toMatchObject({
      code: "BODY_INVALID",
      given: { path: `body/${field}` },
    });
  });

  test("the same account twice, and accounts of two assets", async () => {
    const [from] = await merchants(10n);
    const dollars = await openAccount(ledger, { code: 220, asset: "USD" });
    expect(await codeOf(post(payment(from, from, 1)))).toBe("ACCOUNTS_SAME");
    expect(await codeOf(post(payment(from, dollars, 1)))).toBe("ASSET_MISMATCH");
  });

  test("sums fill 128 bits and not one more", async () => {
    const asset = "ETH";
    const [from, to] = [
      await openAccount(ledger, { code: 220, asset, amount: AMOUNT_MAX - (await given(asset)) }),
      await openAccount(ledger, { code: 220, asset }),
    ];
    const full = (await ledger.as().account({ params: { accountId: from } })).available;
    await post(payment(from, to, BigInt(full), { asset }));
    const house = await capitalOf(ledger, asset);
    const more = payment(house, to, 1, { asset, code: "demo-money" });
    expect(await failureOf(post(more))).toMatchObject({
      code: "BALANCE_OVERFLOW",
      given: { account: house, side: "debit" },
    });
    expect(await codeOf(post(more))).toBe("BALANCE_OVERFLOW");
    expect(await isBalanced(ledger)).toBe(true);
  });

  /** What of this asset was given out by other tests. */
  const given = async (asset: string): Promise<bigint> =>
    BigInt((await ledger.as().systemAccount({ params: { code: 310, asset } })).debitsPosted);

  test("an id nobody used", async () => {
    const params = { transferId: newId("trf") };
    expect(await codeOf(ledger.as().transfer({ params }))).toBe("TRANSFER_NOT_FOUND");
  });
});
