/** What is recorded of a call: the fields that are sent and looked at, and no value of any. */
import { defineErrors } from "@tideway/kernel";
import { defineApi, expectationKey, strict } from "@tideway/schema";
import { Type } from "typebox";
import { expect, test } from "vitest";
import { createClient, createRecorder, trackEvent } from "./index.ts";
import type { ExpectationRecorder, FetchLike } from "./index.ts";

const Account = Type.Object({
  account: Type.String(),
  owner: Type.Union([Type.String(), Type.Null()]),
  balance: Type.Object({ posted: Type.String(), pending: Type.String() }),
  note: Type.Optional(Type.String()),
  limits: Type.Record(Type.String(), Type.Object({ daily: Type.Integer() })),
});
const api = defineApi({
  name: "ledger",
  version: "1.0.0",
  errors: defineErrors({}),
  routes: {
    accounts: {
      method: "POST",
      path: "/accounts/:code/find",
      auth: "service",
      exposure: "internal",
      summary: "Find.",
      params: strict({ code: Type.String() }),
      query: strict({ limit: Type.Optional(Type.Integer()) }),
      body: strict({ owners: Type.Array(strict({ owner: Type.String() })) }),
      reply: Type.Object({ accounts: Type.Array(Account) }),
    },
  },
});
const account = {
  account: "acc_secret",
  owner: null,
  balance: { posted: "480", pending: "0" },
  limits: { per_secret: { daily: 3 } },
};
const answer: FetchLike = () => Promise.resolve(Response.json({ accounts: [account, account] }));
const ask = (recorder: ExpectationRecorder) =>
  createClient(api, { baseUrl: "http://s", fetch: answer, recorder }).accounts({
    params: { code: "210" },
    query: { limit: 5 },
    body: { owners: [{ owner: "per_secret" }] },
    idempotencyKey: "key-12345",
  });
const told = (recorder: ExpectationRecorder, part: string): string[] =>
  recorder
    .list()
    .filter((one) => one.part === part)
    .map(({ path, type }) => `${path} ${type}`);

test("what is looked at is noted, and what is not is not", async () => {
  const recorder = createRecorder({ share: 1 });
  const { accounts } = await ask(recorder);
  const [first] = accounts;
  expect(first?.balance.posted).toBe("480");
  expect(first?.note).toBeUndefined();
  expect(told(recorder, "reply")).toEqual([
    " object",
    "accounts array",
    "accounts[] object",
    "accounts[].balance object",
    "accounts[].balance.posted string",
    "accounts[].note absent",
  ]);
});

test("what is sent is noted, and neither values nor the names in a record ever are", async () => {
  const recorder = createRecorder({ share: 1 });
  const { accounts } = await ask(recorder);
  expect(accounts.map(({ limits }) => Object.values(limits)[0]?.daily)).toEqual([3, 3]);
  expect(told(recorder, "request")).toEqual([
    " object",
    "body object",
    "body.owners array",
    "body.owners[] object",
    "body.owners[].owner string",
    "header.idempotency-key string",
    "params object",
    "params.code string",
    "query object",
    "query.limit number",
  ]);
  expect(told(recorder, "reply")).toContain("accounts[].limits.*.daily number");
  expect(recorder.list().map(expectationKey).join()).not.toMatch(/secret|480|key-1/);
});

test("a recorded reply reads, spreads, compares and is written as JSON like the bare one", async () => {
  const reply = await ask(createRecorder({ share: 1 }));
  expect(reply).toEqual({ accounts: [account, account] });
  expect(JSON.stringify(reply)).toBe(JSON.stringify({ accounts: [account, account] }));
  expect(Array.isArray(reply.accounts)).toBe(true);
  expect(reply.accounts[0]?.balance).toBe(reply.accounts[0]?.balance);
  const copies = reply.accounts.map((one) => ({ ...one, owner: "x" }));
  expect(copies[1]).toEqual({ ...account, owner: "x" });
  expect(Object.freeze(reply).accounts).toHaveLength(2);
});

test("only the share that was asked for is recorded; the others get the bare reply", async () => {
  let next = 0;
  const recorder = createRecorder({ share: 0.5, random: () => (next++ % 2 === 0 ? 0.9 : 0.1) });
  const bare = await ask(recorder);
  expect(bare.accounts[0]?.account).toBe("acc_secret");
  expect(recorder.list()).toEqual([]);
  const tracked = await ask(recorder);
  expect(tracked.accounts[0]?.account).toBe("acc_secret");
  expect(told(recorder, "reply")).toContain("accounts[].account string");
});

test("a recorder takes 2,000 expectations and no more, and tells of each new one once", () => {
  const news: string[] = [];
  const recorder = createRecorder({ share: 1, onNew: ({ path }) => news.push(path) });
  const base = { provider: "ledger", operation: "GET /a", part: "reply", type: "string" } as const;
  for (let i = 0; i < 2_500; i++) {
    recorder.note({ ...base, path: `f${i}` });
    recorder.note({ ...base, path: `f${i}` });
  }
  expect(recorder.list()).toHaveLength(2_000);
  expect(news).toHaveLength(2_000);
});

test("an event's data is tracked under its type", () => {
  const recorder = createRecorder({ share: 1 });
  const type = "ledger.account.changed.v1";
  const data = trackEvent({ provider: "ledger", type, schema: Account, recorder }, account);
  expect(data.balance.pending).toBe("0");
  expect(recorder.list()).toContainEqual({
    provider: "ledger",
    operation: type,
    part: "event",
    path: "balance.pending",
    type: "string",
  });
});
