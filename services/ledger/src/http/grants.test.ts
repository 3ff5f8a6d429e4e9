/** Who may do what: every operation with the right grant, with each part of it wrong, and with none. */
import { newId } from "@tideway/kernel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  capitalOf,
  codeOf,
  customer,
  failureOf,
  openAccount,
  payment,
  startLedger,
} from "../../test/harness.ts";
import type { Client, Customer, TestLedger } from "../../test/harness.ts";
import type { Grant } from "../domain/grants.ts";

let ledger: TestLedger;
let ada: Customer;
let ben: Customer;
let merchant: string;
beforeAll(async () => {
  ledger = await startLedger();
  ada = await customer(ledger, 1_000n);
  ben = await customer(ledger, 1_000n);
  merchant = await openAccount(ledger, { code: 220, amount: 1_000n });
});
afterAll(() => ledger.close());

const withGrants = (grants: readonly Grant[], person?: string, caller = "payments"): Client =>
  ledger.as({ caller, grants, ...(person === undefined ? {} : { person }) });

const moves: readonly Grant[] = [
  { operation: "transfer", debit: 210, credit: 220, code: "purchase" },
  { operation: "hold", debit: 210, credit: 220, code: "purchase" },
];

describe.each(moves)("$operation 210 -> 220 as purchase", (grant) => {
  const kind = grant.operation === "hold" ? "hold" : "post";
  const move = (grants: readonly Grant[], person = ada.person) =>
    codeOf(
      withGrants(grants, person).postTransfer({
        body: payment(ada.account, merchant, 1, { kind, code: "purchase" }),
      }),
    );

  test("works with exactly this grant", async () => {
    expect(await move([grant])).toBe("none");
  });

  test("needs every part of it; what is left out is no wildcard", async () => {
    const { operation, debit, credit, code } = grant;
    const wrong: readonly Grant[] = [
      { ...grant, operation: operation === "hold" ? "transfer" : "hold" },
      { ...grant, debit: 220 },
      { ...grant, credit: 210 },
      { ...grant, code: "payment" },
      { operation, ...(credit && { credit }), ...(code && { code }) },
      { operation, ...(debit && { debit }), ...(code && { code }) },
      { operation, ...(debit && { debit }), ...(credit && { credit }) },
      { operation },
      { operation: "read", account: 210 },
    ];
    for (const one of wrong) expect(await move([one])).toBe("GRANT_MISSING");
    expect(await move(wrong)).toBe("GRANT_MISSING");
    expect(await move([])).toBe("GRANT_MISSING");
  });

  test("needs the owner's own token", async () => {
    expect(await move([grant], ben.person)).toBe("CONSENT_MISSING");
    const body = payment(ada.account, merchant, 1, { kind, code: "purchase" });
    expect(await codeOf(withGrants([grant]).postTransfer({ body }))).toBe("CONSENT_MISSING");
  });
});

test("a missing grant is told with what was missing, before the account is looked up", async () => {
  const body = payment(ada.account, merchant, 1, { code: "purchase" });
  const other: Grant = { operation: "transfer", debit: 220, credit: 210, code: "purchase" };
  expect(await failureOf(withGrants([other], ada.person).postTransfer({ body }))).toMatchObject({
    status: 403,
    code: "GRANT_MISSING",
    given: { caller: "payments", operation: "transfer", debit: 210, credit: 220, code: "purchase" },
  });
  const nowhere = { ...body, debit: newId("acc") };
  expect(await codeOf(withGrants([]).postTransfer({ body: nowhere }))).toBe("GRANT_MISSING");
});

test("neither a repeat nor who may use no such code waits for an account", async () => {
  const body = payment(ada.account, merchant, 1, { code: "purchase" });
  const able = withGrants(moves, ada.person);
  expect(await codeOf(able.postTransfer({ body }))).toBe("none");
  const holder = await ledger.admin.connect();
  await holder.query("begin");
  await holder.query("select from accounts for update");
  try {
    expect(await codeOf(able.postTransfer({ body }))).toBe("none");
    const other = payment(ada.account, merchant, 1, { code: "purchase" });
    expect(await codeOf(withGrants([]).postTransfer({ body: other }))).toBe("GRANT_MISSING");
  } finally {
    await holder.query("rollback");
    holder.release();
  }
});

test("a merchant's and the house's accounts are debited without a person", async () => {
  const refund: Grant = { operation: "transfer", debit: 220, credit: 210, code: "refund" };
  const body = payment(merchant, ada.account, 1, { code: "refund" });
  expect(await codeOf(withGrants([refund]).postTransfer({ body }))).toBe("none");
  const demo: Grant = { operation: "transfer", debit: 310, credit: 210, code: "demo-money" };
  const gift = payment(await capitalOf(ledger), ada.account, 1, { code: "demo-money" });
  expect(await codeOf(withGrants([demo]).postTransfer({ body: gift }))).toBe("none");
});

test("opening needs a grant for the code", async () => {
  const body = { account: newId("acc"), asset: "EUR", code: 220, owner: newId("per") };
  const open = (grants: readonly Grant[]) => codeOf(withGrants(grants).openAccount({ body }));
  expect(await open([])).toBe("GRANT_MISSING");
  expect(await open([{ operation: "open", account: 210 }])).toBe("GRANT_MISSING");
  expect(await open([{ operation: "open" }])).toBe("GRANT_MISSING");
  expect(await open([{ operation: "read", account: 220 }])).toBe("GRANT_MISSING");
  expect(await open([{ operation: "open", account: 220 }])).toBe("none");
});

describe("reading", () => {
  const calls: [string, (client: Client) => Promise<unknown>][] = [
    ["an account", (client) => client.account({ params: { accountId: ada.account } })],
    ["its history", (client) => client.history({ params: { accountId: ada.account } })],
    ["an owner's", (client) => client.accountsOf({ query: { owner: ada.person, code: 210 } })],
    ["all of an owner's", (client) => client.accountsOf({ query: { owner: ada.person } })],
  ];
  test.each(calls)("%s needs a read grant for the code", async (_, call) => {
    const read = (...grants: Grant[]) => codeOf(call(withGrants(grants)));
    expect(await read()).toBe("GRANT_MISSING");
    expect(await read({ operation: "read" })).toBe("GRANT_MISSING");
    expect(await read({ operation: "open", account: 210 })).toBe("GRANT_MISSING");
    expect(await read({ operation: "read", account: 210 })).toBe("none");
  });

  test("another code's grant does not read a customer's account", async () => {
    const client = withGrants([{ operation: "read", account: 220 }]);
    expect(await codeOf(client.account({ params: { accountId: ada.account } }))).toBe(
      "GRANT_MISSING",
    );
    expect(await codeOf(client.systemAccount({ params: { code: 310, asset: "EUR" } }))).toBe(
      "GRANT_MISSING",
    );
    expect(await client.accountsOf({ query: { owner: ada.person } })).toEqual({ accounts: [] });
  });

  test("a service reads its own transfers; another one needs a grant for one of the accounts", async () => {
    const grant: Grant = { operation: "transfer", debit: 210, credit: 220, code: "purchase" };
    const body = payment(ada.account, merchant, 1, { code: "purchase" });
    await withGrants([grant], ada.person).postTransfer({ body });
    const read = (caller: string, ...grants: Grant[]) =>
      codeOf(
        withGrants(grants, undefined, caller).transfer({ params: { transferId: body.transfer } }),
      );
    expect(await read("payments")).toBe("none");
    expect(await read("exchange")).toBe("GRANT_MISSING");
    expect(await read("exchange", { operation: "read", account: 310 })).toBe("GRANT_MISSING");
    expect(await read("exchange", { operation: "read", account: 210 })).toBe("none");
    expect(await read("exchange", { operation: "read", account: 220 })).toBe("none");
  });

  test("any service sees the trial balance, and nobody else", async () => {
    expect(await codeOf(withGrants([]).trialBalance())).toBe("none");
    expect(await codeOf(ledger.service.as({ person: ada.person }).trialBalance())).toBe(
      "CALLER_UNKNOWN",
    );
  });
});

test("burning needs a grant to move or hold under the code", async () => {
  const burn = (...grants: Grant[]) =>
    codeOf(
      withGrants(grants).burnTransfer({
        params: { transferId: newId("trf") },
        body: { code: "purchase" },
      }),
    );
  expect(await burn()).toBe("GRANT_MISSING");
  expect(await burn({ operation: "transfer", debit: 210, credit: 220, code: "payment" })).toBe(
    "GRANT_MISSING",
  );
  for (const grant of moves) expect(await burn(grant)).toBe("none");
});

test("people and the public reach nothing but the assets", async () => {
  const body = payment(ada.account, ben.account, 1);
  const publicly = ledger.service.as({ person: ada.person });
  expect(await codeOf(publicly.postTransfer({ body }))).toBe("CALLER_UNKNOWN");
  expect(await codeOf(publicly.account({ params: { accountId: ada.account } }))).toBe(
    "CALLER_UNKNOWN",
  );
  expect(await codeOf(publicly.assets())).toBe("none");
});
