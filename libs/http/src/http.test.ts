/**
 * A small real service with every kind of route, on a real database: schemas, codes, who may call,
 * idempotency under retries and races, deadlines and draining.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commonErrors, defineErrors } from "@tideway/kernel";
import { defineApi, defineService, strict } from "@tideway/schema";
import { testDatabase, testService } from "@tideway/testkit";
import type { TestDatabase, TestService } from "@tideway/testkit";
import { Type } from "typebox";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const errors = defineErrors({
  SHELF_EMPTY: { status: 409, retryable: false, title: "{shelf} is empty.", action: "Wait." },
});
const api = defineApi({
  name: "shop",
  version: "1.0.0",
  errors,
  routes: {
    list: {
      method: "GET",
      path: "/shelves",
      auth: "public",
      exposure: "public",
      summary: "List.",
      query: strict({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })) }),
      reply: Type.Object({ limit: Type.Integer() }),
    },
    buy: {
      method: "POST",
      path: "/shelves/:shelf/buy",
      auth: "person",
      exposure: "public",
      summary: "Buy.",
      idempotent: true,
      params: strict({ shelf: Type.String() }),
      body: strict({ count: Type.Integer({ minimum: 1 }) }),
      bodyBytesMax: 2_000,
      reply: Type.Object({ operation: Type.String(), run: Type.Integer() }),
      replyStatus: 201,
    },
    slow: {
      method: "GET",
      path: "/slow",
      auth: "service",
      exposure: "internal",
      summary: "Never ends by itself.",
      deadlineMs: 80,
      reply: Type.Object({}),
    },
    broken: {
      method: "GET",
      path: "/broken",
      auth: "public",
      exposure: "public",
      summary: "Throws.",
      reply: Type.Object({}),
    },
  },
});
const declaration = defineService({ name: "shop", api, database: true });

let database: TestDatabase;
let shop: TestService<typeof api>;
let folder: string;
let runs = 0;
let aborted = 0;
let gate: Promise<void> = Promise.resolve();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tw-http-"));
  writeFileSync(
    join(folder, "0001_keys.sql"),
    `create table idempotency_keys (
       principal text not null, route text not null, key text not null,
       body_digest text not null, operation text not null,
       status int, reply jsonb, created_at timestamptz not null default now(),
       primary key (principal, route, key));
     grant select, insert, update, delete on idempotency_keys to shop_app;`,
  );
  database = await testDatabase({ service: "shop", migrations: folder });
  shop = await testService({
    declaration,
    databaseUrl: database.url,
    build: () => ({
      handlers: {
        list: async ({ query }) => ({ limit: query.limit ?? 0 }),
        buy: async ({ params, operation }) => {
          const run = ++runs;
          await gate;
          if (params.shelf === "empty") {
            throw errors.error("SHELF_EMPTY", { given: { shelf: params.shelf } });
          }
          if (params.shelf === "busy" && run % 2 === 1) {
            throw commonErrors.error("UPSTREAM_UNAVAILABLE", { given: { service: "x" } });
          }
          return { operation, run };
        },
        slow: ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener("abort", () => {
              aborted++;
              reject(new Error("aborted"));
            });
          }),
        broken: async () => {
          throw new Error("a detail nobody outside may see");
        },
      },
    }),
  });
});
afterAll(async () => {
  await shop.stop();
  await database.close();
  rmSync(folder, { recursive: true });
});

const person = { person: "per_1" };
const buy = (shelf: string, key: string, count = 1, who = person) =>
  shop.as(who).buy({ params: { shelf }, body: { count }, idempotencyKey: key });
const problemOf = async (init: RequestInit, url = "http://s/shelves/a/buy") => {
  const response = await shop.fetchAs(person)(url, { method: "POST", ...init });
  // Every answer of the service is a JSON object.
  return { status: response.status, ...((await response.json()) as { code?: string }) };
};
const json = { "content-type": "application/json", "idempotency-key": "k-problem-1" };

describe("schemas and codes", () => {
  test("a query's numbers are read, and their bounds hold", async () => {
    expect(await shop.as({}).list({ query: { limit: 3 } })).toEqual({ limit: 3 });
    await expect(shop.as({}).list({ query: { limit: 9 } })).rejects.toMatchObject({
      code: "BODY_INVALID",
    });
  });

  test.each([
    ["malformed JSON", { headers: json, body: "{" }, "BODY_MALFORMED"],
    ["no body", { headers: json, body: "" }, "BODY_MALFORMED"],
    ["an unknown field", { headers: json, body: '{"count":1,"x":1}' }, "BODY_INVALID"],
    ["a string for a number", { headers: json, body: '{"count":"1"}' }, "BODY_INVALID"],
    ["a fraction", { headers: json, body: '{"count":1.5}' }, "BODY_INVALID"],
    ["too large a body", { headers: json, body: `"${"x".repeat(2_000)}"` }, "BODY_TOO_LARGE"],
    [
      "another media type",
      { headers: { "content-type": "text/xml" }, body: "<a/>" },
      "MEDIA_TYPE_UNSUPPORTED",
    ],
    [
      "no key",
      { headers: { "content-type": "application/json" }, body: '{"count":1}' },
      "IDEMPOTENCY_KEY_MISSING",
    ],
    [
      "a short key",
      { headers: { ...json, "idempotency-key": "abc" }, body: '{"count":1}' },
      "IDEMPOTENCY_KEY_INVALID",
    ],
  ])("%s answers its own code", async (_, init, code) => {
    expect(await problemOf(init)).toMatchObject({ code });
  });

  test("an unknown route is told, and an unexpected error says nothing of its insides", async () => {
    expect(await problemOf({}, "http://s/nothing")).toMatchObject({
      code: "ROUTE_UNKNOWN",
      status: 404,
    });
    const error: unknown = await shop
      .as({})
      .broken()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "INTERNAL", status: 500 });
    expect(JSON.stringify(error)).not.toContain("nobody outside");
    expect(shop.logLines.some((line) => line.includes("nobody outside"))).toBe(true);
  });
});

describe("who may call", () => {
  test("nothing but probes works without the gateway's assertion", async () => {
    const direct = await shop.app.inject({ method: "GET", url: "/shelves" });
    expect(direct.statusCode).toBe(401);
    expect(direct.json()).toMatchObject({ code: "CALLER_UNKNOWN" });
    expect((await shop.app.inject({ method: "GET", url: "/ready" })).statusCode).toBe(200);
  });

  test("a route for people needs a person, a route for services a service", async () => {
    await expect(
      shop.as({}).buy({ params: { shelf: "a" }, body: { count: 1 }, idempotencyKey: "k-12345678" }),
    ).rejects.toMatchObject({ code: "TOKEN_MISSING" });
    await expect(shop.as(person).slow()).rejects.toMatchObject({ code: "CALLER_UNKNOWN" });
  });
});

describe("idempotency", () => {
  test("the same key and body answer the same, and the handler ran once", async () => {
    const first = await buy("a", "k-same-000");
    const before = runs;
    expect(await buy("a", "k-same-000")).toEqual(first);
    expect(runs).toBe(before);
  });

  test("the same key with another body or path is refused", async () => {
    await buy("a", "k-other-000");
    await expect(buy("a", "k-other-000", 2)).rejects.toMatchObject({
      code: "IDEMPOTENCY_KEY_REUSED",
    });
    await expect(buy("b", "k-other-000")).rejects.toMatchObject({ status: 422 });
  });

  test("keys of two people do not meet", async () => {
    const mine = await buy("a", "k-shared-00");
    const theirs = await buy("a", "k-shared-00", 1, { person: "per_2" });
    expect(theirs.operation).not.toBe(mine.operation);
  });

  test("a refusal is kept, a retryable failure is run again with the same operation", async () => {
    await expect(buy("empty", "k-empty-00")).rejects.toMatchObject({ code: "SHELF_EMPTY" });
    const before = runs;
    await expect(buy("empty", "k-empty-00")).rejects.toMatchObject({ code: "SHELF_EMPTY" });
    expect(runs).toBe(before);
    if (runs % 2 === 1) await buy("a", "k-even-0000");
    await expect(buy("busy", "k-busy-000")).rejects.toMatchObject({ code: "UPSTREAM_UNAVAILABLE" });
    const kept = await database.pool.query<{ operation: string }>(
      "select operation from idempotency_keys where key = 'k-busy-000'",
    );
    expect((await buy("busy", "k-busy-000")).operation).toBe(kept.rows[0]?.operation);
  });

  test("of two runs at once both see one operation and get one answer", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    const both = [buy("a", "k-race-0000"), buy("a", "k-race-0000")];
    await expect.poll(() => runs).toBeGreaterThan(1);
    resolve();
    const [one, two] = await Promise.all(both);
    expect(one).toEqual(two);
  });
});

describe("time", () => {
  test("a deadline answers 504 and tells the handler to stop", async () => {
    await expect(shop.as({ caller: "till" }).slow()).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
      retryable: true,
    });
    expect(aborted).toBe(1);
  });

  test("one log line a request, with route and status and without the path", async () => {
    await shop.as({}).list();
    const line = JSON.parse(shop.logLines.at(-1) ?? "{}") as Record<string, unknown>;
    expect(line).toMatchObject({ event: "request", route: "GET /shelves", status: 200 });
  });
});
