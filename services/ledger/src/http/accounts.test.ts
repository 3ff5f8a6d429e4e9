/** Accounts, assets, the house's own accounts and histories through the api. */
import { newId } from "@tideway/kernel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  capitalOf,
  codeOf,
  ending,
  failureOf,
  openAccount,
  payment,
  startLedger,
} from "../../test/harness.ts";
import type { TestLedger } from "../../test/harness.ts";
import { HOUSE_ENTRIES } from "../domain/chart.ts";
import { openHouseAccounts } from "../store/house-accounts.ts";

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startLedger();
});
afterAll(() => ledger.close());

test("the assets and their scales are public", async () => {
  const { assets } = await ledger.service.as({}).assets();
  expect(assets.map(({ asset, scale }) => `${asset} ${scale}`)).toEqual([
    "ETH 18",
    "EUR 2",
    "USD 2",
    "USDC 6",
  ]);
});

describe("opening", () => {
  const body = () => ({
    account: newId("acc"),
    asset: "USDC",
    code: 210,
    owner: newId("per"),
  });
  const open = (given: ReturnType<typeof body> | Omit<ReturnType<typeof body>, "owner">) =>
    ledger.as().openAccount({ body: given });

  test("makes an empty account with the asset's scale; again it is the same one", async () => {
    const given = body();
    const opened = await open(given);
    expect(opened).toMatchObject({ ...given, scale: 6, available: "0", debitsPosted: "0" });
    expect(await open(given)).toEqual(opened);
    expect(await ledger.as().account({ params: { accountId: given.account } })).toEqual(opened);
  });

  test("many at once open one account, whichever unique key they meet first", async () => {
    for (let round = 0; round < 20; round++) {
      const body = { account: newId("acc"), asset: "EUR", code: 210, owner: newId("per") };
      const opened = await Promise.all(
        Array.from({ length: 10 }, () => ledger.as().openAccount({ body })),
      );
      expect(new Set(opened.map((account) => account.account))).toEqual(new Set([body.account]));
    }
  });

  test("two at once open one account", async () => {
    const given = body();
    const [one, two] = await Promise.all([open(given), open(given)]);
    expect(one).toEqual(two);
  });

  test.each([
    ["asset", { asset: "EUR" }],
    ["code", { code: 220 }],
    ["owner", { owner: newId("per") }],
  ])("the same id with another %s is refused", async (field, change) => {
    const given = body();
    await open(given);
    expect(await failureOf(open({ ...given, ...change }))).toMatchObject({
      code: "ACCOUNT_EXISTS_DIFFERENT",
      given: { field },
    });
  });

  test("refusals", async () => {
    const { owner, ...ownerless } = body();
    expect(owner).toMatch(/^per_/);
    expect(await codeOf(open(ownerless))).toBe("BODY_INVALID");
    expect(await codeOf(open({ ...body(), asset: "DOGE" }))).toBe("ASSET_UNKNOWN");
    const anyCode = (code: number) =>
      ledger
        .as({ grants: [{ operation: "open", account: code }] })
        .openAccount({ body: { ...body(), code } });
    expect(await codeOf(anyCode(999))).toBe("ACCOUNT_CODE_UNKNOWN");
    expect(await codeOf(anyCode(310))).toBe("ACCOUNT_NOT_OPENABLE");
    expect(await codeOf(open({ ...body(), owner: "Ada Lovelace" }))).toBe("BODY_INVALID");
  });
});

describe("reading", () => {
  test("an owner's accounts, of one code or of all that may be read", async () => {
    const owner = newId("per");
    const customer = await openAccount(ledger, { owner });
    const merchant = await openAccount(ledger, { owner, code: 220 });
    const of = async (code?: number, account = 210) =>
      (
        await ledger
          .as({
            grants: [
              { operation: "read", account },
              { operation: "read", account: 220 },
            ],
          })
          .accountsOf({ query: { owner, ...(code === undefined ? {} : { code }) } })
      ).accounts.map((one) => one.account);
    expect(await of()).toEqual([customer, merchant]);
    expect(await of(220)).toEqual([merchant]);
    expect(await of(undefined, 230)).toEqual([merchant]);
    expect(await of(230, 230)).toEqual([]);
    expect(await codeOf(of(410))).toBe("GRANT_MISSING");
  });

  test("an account that does not exist", async () => {
    const params = { accountId: newId("acc") };
    expect(await codeOf(ledger.as().account({ params }))).toBe("ACCOUNT_NOT_FOUND");
    expect(await codeOf(ledger.as().history({ params }))).toBe("ACCOUNT_NOT_FOUND");
  });

  test("the house has one account of each of its codes and assets, opened once", async () => {
    const grants = HOUSE_ENTRIES.map(({ code }) => ({ operation: "read" as const, account: code }));
    const client = ledger.as({ grants });
    for (const { code } of HOUSE_ENTRIES) {
      const found = await client.systemAccount({ params: { code, asset: "ETH" } });
      expect(found).toMatchObject({ code, asset: "ETH", scale: 18, owner: null });
    }
    expect(await openHouseAccounts(ledger.database.pool)).toBe(0);
    const customers = ledger.as().systemAccount({ params: { code: 210, asset: "EUR" } });
    expect(await codeOf(customers)).toBe("ACCOUNT_NOT_FOUND");
    const unknown = client.systemAccount({ params: { code: 310, asset: "DOGE" } });
    expect(await codeOf(unknown)).toBe("ASSET_UNKNOWN");
  });
});

describe("history", () => {
  test("newest first, both sides, in pages that neither repeat nor skip under new entries", async () => {
    const one = await openAccount(ledger, { code: 220, amount: 1_000n });
    const two = await openAccount(ledger, { code: 220 });
    const client = ledger.as();
    const made: string[] = [];
    for (let i = 1; i <= 7; i++) {
      const [debit, credit] = i % 3 === 0 ? [two, one] : [one, two];
      const body = payment(debit, credit, i === 3 || i === 6 ? 1 : 10, { reference: `pay_${i}` });
      made.unshift((await client.postTransfer({ body })).transfer);
    }
    const read = async (after?: string) =>
      client.history({
        params: { accountId: two },
        query: { limit: 3, ...(after === undefined ? {} : { after }) },
      });
    const pages = [await read()];
    await client.postTransfer({ body: payment(one, two, 1) });
    for (let next = pages[0]?.next; next; next = pages.at(-1)?.next) pages.push(await read(next));
    expect(pages.map((page) => page.items.length)).toEqual([3, 3, 1]);
    const items = pages.flatMap((page) => page.items);
    expect(items.map((item) => item.transfer)).toEqual(made);
    expect(items[1]).toMatchObject({ side: "debit", other: one, amount: "1", reference: "pay_6" });
    expect(items[0]).toMatchObject({ side: "credit", other: one, amount: "10", kind: "post" });
    const times = items.map((item) => item.at);
    expect(times).toEqual([...new Set(times)].sort().toReversed());
  });

  test("shows a hold and its end", async () => {
    const one = await openAccount(ledger, { code: 220, amount: 10n });
    const two = await openAccount(ledger, { code: 220 });
    const hold = payment(one, two, 10, { kind: "hold" });
    await ledger.as().postTransfer({ body: hold });
    await ledger.as().postTransfer({ body: ending("post-hold", hold.transfer, { amount: "4" }) });
    const { items, next } = await ledger.as().history({ params: { accountId: two } });
    expect(items.map(({ kind, amount }) => `${kind} ${amount}`)).toEqual([
      "post-hold 4",
      "hold 10",
    ]);
    expect(next).toBeNull();
  });

  test("entries of one account are strictly ordered when they come at once", async () => {
    const accountId = await capitalOf(ledger, "USDC");
    await Promise.all(
      Array.from({ length: 20 }, () => openAccount(ledger, { asset: "USDC", amount: 1n })),
    );
    const { items } = await ledger.as().history({ params: { accountId }, query: { limit: 200 } });
    const times = items.map((item) => item.at);
    expect(times).toHaveLength(20);
    expect(times).toEqual([...new Set(times)].sort().toReversed());
  });

  test.each(["zzz", "MTIz", "ZTEuYWNjXzE", "12345"])("the cursor %s is refused", async (after) => {
    const accountId = await capitalOf(ledger);
    const call = ledger.as().history({ params: { accountId }, query: { after } });
    expect(await codeOf(call)).toBe("BODY_INVALID");
  });
});
