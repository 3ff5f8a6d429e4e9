/** Deliveries that nobody should send, and events that nobody can take. */
import { newId } from "@tideway/kernel";
import { createMetrics, createLogger } from "@tideway/telemetry";
import { systemClock } from "@tideway/kernel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { consume, createEventModule } from "../index.ts";
import { shopApi } from "./shop-api.ts";
import { openStock, order } from "./stock-under-test.ts";
import type { Stock } from "./stock-under-test.ts";

let stock: Stock;
beforeAll(async () => {
  stock = await openStock();
});
afterAll(() => stock.close());

describe("a forged delivery", () => {
  test.each([
    ["of a service", { caller: "payments" }, 403, "CALLER_FORBIDDEN"],
    ["of a service for a person", { caller: "payments", person: "per_1" }, 403, "CALLER_FORBIDDEN"],
    ["of a person", { person: "per_1" }, 401, "CALLER_UNKNOWN"],
    ["of nobody", {}, 401, "CALLER_UNKNOWN"],
  ])("%s is refused", async (_, as, status, code) => {
    const event = order(newId("k0"));
    expect(await stock.deliver([event], { as })).toMatchObject({ status, code });
    expect(await stock.known([event])).toBe(0);
  });

  test("of another service's event is a failed one", async () => {
    const answer = await stock.deliver([order("a", { source: "/services/payments" })]);
    expect(answer).toMatchObject({ outcomes: ["failed"], codes: ["EVENT_SOURCE_FORGED"] });
  });
});

describe("a malformed batch is refused whole", () => {
  const good = () => order(newId("k0"));
  test.each<[string, () => unknown]>([
    ["no object", () => "text"],
    ["null", () => null],
    ["a list", () => []],
    ["no specversion", () => ({ ...good(), specversion: null })],
    ["another specversion", () => ({ ...good(), specversion: "0.3" })],
    ["a number for specversion", () => ({ ...good(), specversion: 1 })],
    ["no id", () => ({ ...good(), id: undefined })],
    ["a foreign id", () => ({ ...good(), id: "4711" })],
    ["no key", () => ({ ...good(), subject: undefined, partitionkey: undefined })],
    ["a number for a key", () => ({ ...good(), partitionkey: 4 })],
    ["a strange source", () => ({ ...good(), source: "https://example.com" })],
    ["a strange replay", () => ({ ...good(), tidewayreplay: -1 })],
    ["a replay that is text", () => ({ ...good(), tidewayreplay: "1" })],
    ["a strange attribute", () => ({ ...good(), Tideway_Replay: 1 })],
    ["an object for an extension", () => ({ ...good(), extension: {} })],
  ])("%s", async (_, bad) => {
    const before = good();
    const answer = await stock.deliver([before, bad()]);
    expect(answer).toMatchObject({ status: 400, code: "EVENT_BATCH_INVALID", outcomes: [] });
    expect(await stock.known([before])).toBe(0);
  });

  test("another content type", async () => {
    const answer = await stock.deliver([good()], { contentType: "application/json" });
    expect(answer).toMatchObject({ status: 400, code: "EVENT_BATCH_INVALID" });
  });

  test("no event at all, or more than fit one delivery", async () => {
    expect(await stock.deliver([])).toMatchObject({ status: 400, code: "BODY_INVALID" });
    const many = Array.from({ length: 201 }, good);
    expect(await stock.deliver(many)).toMatchObject({ status: 400, code: "BODY_INVALID" });
  });

  test("a single event of 9 MB is refused before it is read", async () => {
    const huge = order("a", { data: { order: "x".repeat(9_000_000), count: 1 } });
    expect(await stock.deliver([huge])).toMatchObject({ status: 413, code: "BODY_TOO_LARGE" });
  });
});

describe("an event that this revision cannot take", () => {
  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ["unknown type", { type: "shop.order.eaten.v1" }, "EVENT_TYPE_UNKNOWN"],
    ["newer version", { type: "shop.order.placed.v2" }, "EVENT_TYPE_UNKNOWN"],
    ["wrong data", { data: { order: 7, count: 1 } }, "EVENT_DATA_INVALID"],
    ["no data", { data: undefined }, "EVENT_DATA_INVALID"],
    ["bytes", { data: undefined, data_base64: "AAEC" }, "EVENT_DATA_INVALID"],
    ["half an object", { data: { order: "a" } }, "EVENT_DATA_INVALID"],
  ])("%s: fails, and the others are applied", async (_, change, code) => {
    const [before, after] = [order(newId("k0")), order(newId("k0"))];
    const bad = order(newId("k0"), change);
    const behind = order(bad.partitionkey);
    const answer = await stock.deliver([before, bad, behind, after]);
    expect(answer.outcomes).toEqual(["applied", "failed", "skipped", "applied"]);
    expect(answer.codes[1]).toBe(code);
    expect(answer.failedHeader).toBe("1");
    expect(await stock.known([bad, behind])).toBe(0);
  });

  test("says where, but not what", async () => {
    const answer = await stock.deliver([order("a", { data: { order: 4_711, count: 1 } })]);
    expect(answer.details[0]).toContain("data/order");
    expect(answer.details[0]).not.toContain("4711");
    expect(stock.service.logLines.some((line) => line.includes("4711"))).toBe(false);
  });

  test("but that another revision has applied is a duplicate", async () => {
    const event = order(newId("k0"));
    await stock.deliver([event]);
    const later = order(event.partitionkey);
    const answer = await stock.deliver([{ ...event, type: "shop.order.eaten.v1" }, later]);
    expect(answer.outcomes).toEqual(["duplicate", "applied"]);
  });

  test("a payload of 1 MB that the schema allows is applied", async () => {
    const big = order(newId("k0"), { data: { order: "x".repeat(1_000_000), count: 1 } });
    expect((await stock.deliver([big])).outcomes).toEqual(["applied"]);
  });

  test("fields that the schema does not know are let pass", async () => {
    const newer = order(newId("k0"), { data: { order: "a", count: 1, added: true } });
    expect((await stock.deliver([newer])).outcomes).toEqual(["applied"]);
  });
});

test("two consumers of one type are refused at the start", () => {
  const one = consume(shopApi, "placed", async () => {});
  const parts = {
    config: { service: "stock" },
    pool: stock.database.pool,
    clock: systemClock,
    logger: createLogger({ service: "stock", destination: { write: () => {} } }),
    metrics: createMetrics("stock"),
  };
  expect(() => createEventModule({ ...parts, consumers: [one, one] })).toThrow("two consumers");
});
