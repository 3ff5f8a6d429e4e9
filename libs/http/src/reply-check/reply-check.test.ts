/** A real service whose replies do not always match: what is checked, what is told, what is sent. */
import { defineErrors } from "@tideway/kernel";
import { VIOLATION_HEADER, defineApi, defineService } from "@tideway/schema";
import { createLogger, createMetrics } from "@tideway/telemetry";
import { testService } from "@tideway/testkit";
import type { TestService } from "@tideway/testkit";
import { Type } from "typebox";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CHECKED_FIRST, createReplyCheck } from "./reply-check.ts";

const Shelf = Type.Object({
  shelf: Type.String(),
  count: Type.Integer(),
  checkedAt: Type.Optional(Type.String({ format: "date-time" })),
});
const Shelves = Type.Object({
  shelves: Type.Array(Shelf),
  notes: Type.Record(Type.String(), Type.Integer()),
});
const api = defineApi({
  name: "shop",
  version: "1.0.0",
  errors: defineErrors({}),
  routes: {
    list: {
      method: "GET",
      path: "/shelves",
      auth: "public",
      exposure: "public",
      summary: "List.",
      reply: Shelves,
    },
  },
});
/** Handlers are typed, so that only what came from outside can be wrong. */
let reply: string;
let shop: TestService<typeof api>;
beforeAll(async () => {
  shop = await testService({
    declaration: defineService({ name: "shop", api, database: false }),
    build: () => ({ handlers: { list: () => Promise.resolve(JSON.parse(reply)) } }),
  });
});
afterAll(() => shop.stop());

const ask = (path = "/shelves") => shop.fetchAs({})(`http://s${path}`, { method: "GET" });
const good = JSON.stringify({ shelves: [{ shelf: "a", count: 1 }], notes: {} });

test("a reply that matches is sent without a word", async () => {
  reply = good;
  const answer = await ask();
  expect(answer.status).toBe(200);
  expect(answer.headers.get(VIOLATION_HEADER)).toBeNull();
});

test.each([
  ["a wrong type", { shelves: [{ shelf: "secret", count: "7" }], notes: {} }, "shelves[].count"],
  ["a field that is not there", { shelves: [{ shelf: "secret" }], notes: {} }, "shelves[]"],
  ["a wrong value below somebody's id", { shelves: [], notes: { secret: "x" } }, "notes.*"],
])("%s is sent as it is, and told by header, log and metric", async (_, wrong, path) => {
  reply = JSON.stringify(wrong);
  const answer = await ask();
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual(wrong);
  expect(answer.headers.get(VIOLATION_HEADER)).toBe("GET /shelves");
  const line = shop.logLines.findLast((one) => one.includes("reply.violation")) ?? "{}";
  expect(JSON.parse(line)).toMatchObject({ route: "GET /shelves", path });
  expect(line).not.toContain("secret");
  const metrics = await (await ask("/metrics")).text();
  expect(metrics).toMatch(/tideway_shop_reply_violations_total\{[^}]*GET \/shelves[^}]*\} [1-9]/);
});

test("the first 20 of a route are checked, and a hundredth of those after", () => {
  const draws = [0.5, 0.005, 0.5];
  const check = createReplyCheck({
    route: api.routes.list,
    logger: createLogger({ service: "shop", destination: { write: () => undefined } }),
    metrics: createMetrics("shop"),
    random: () => draws.shift() ?? 1,
  });
  const answers = Array.from({ length: CHECKED_FIRST + 3 }, () => check({}, "t") !== null);
  expect(answers.filter(Boolean)).toHaveLength(CHECKED_FIRST + 1);
  expect(answers.slice(CHECKED_FIRST)).toEqual([false, true, false]);
});

test("a reply is checked as its reader gets it: dates are strings, undefined is nothing", () => {
  const check = createReplyCheck({
    route: api.routes.list,
    logger: createLogger({ service: "shop", destination: { write: () => undefined } }),
    metrics: createMetrics("shop"),
  });
  const shelf = { shelf: "a", count: 1, checkedAt: new Date(0) };
  const other = { shelf: "b", count: 2, checkedAt: undefined };
  expect(check({ shelves: [shelf, other], notes: {} }, "t")).toBeNull();
});
