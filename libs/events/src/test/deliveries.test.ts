/** What a service does with deliveries: once, in order, and one bad event holds up no others. */
import { newId, until } from "@tideway/kernel";
import { createLogger } from "@tideway/telemetry";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { OUTBOX_CHANNEL, createPublisher } from "../index.ts";
import { shopErrors } from "./shop-api.ts";
import { openStock, order, stockApi } from "./stock-under-test.ts";
import type { Stock } from "./stock-under-test.ts";

let stock: Stock;
beforeAll(async () => {
  stock = await openStock();
});
afterAll(() => stock.close());
beforeEach(() => {
  stock.onPlaced = async () => {};
});

const orders = (...keys: readonly string[]) => keys.map((key) => order(`${key}-${newId("k0")}`));
/** Effects of these events, in the order of their writing. */
const effectsOf = async (events: readonly ({ readonly id: string } | undefined)[]) => {
  const ids = new Set(events.map((event) => event?.id));
  return (await stock.effects()).filter(({ event }) => ids.has(event)).map(({ event }) => event);
};
const failOn = (...ids: readonly string[]): void => {
  stock.onPlaced = async (_, event) => {
    if (ids.includes(event.id)) throw new Error("no shelf");
  };
};

describe("a batch", () => {
  test("is applied in its order by one transaction", async () => {
    const events = orders("a", "b", "c", "d");
    const transactions = new Set<string>();
    stock.onPlaced = async (t) => {
      const found = await t.query<{ id: string }>("select pg_current_xact_id()::text as id");
      transactions.add(found.rows[0]?.id ?? "");
    };
    const answer = await stock.deliver(events);
    expect(answer).toMatchObject({ status: 200, failedHeader: null });
    expect(answer.outcomes).toEqual(["applied", "applied", "applied", "applied"]);
    expect(await effectsOf(events)).toEqual(events.map((event) => event.id));
    expect(transactions.size).toBe(1);
  });

  test("the handler is told what it needs, and works in the publisher's trace", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const event = order("told", { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
    let told: unknown;
    stock.onPlaced = async (_, received, context) => {
      told = { ...received, replay: context.replay, eventId: context.eventId };
      throw new Error("so that it is logged");
    };
    await stock.deliver([event]);
    expect(told).toEqual({
      id: event.id,
      eventId: event.id,
      type: "shop.order.placed.v1",
      key: "told",
      data: { order: "told", count: 1 },
      source: "shop",
      time: "2026-01-01T00:00:00.000Z",
      replay: 0,
    });
    const line = stock.service.logLines.find((one) => one.includes(event.id));
    expect(JSON.parse(line ?? "{}")).toMatchObject({
      event: "event.handler-failed",
      trace: traceId,
    });
  });
});

describe("duplicates", () => {
  test("of an applied event have no effect", async () => {
    const [first, second] = orders("a", "b");
    await stock.deliver([first]);
    const answer = await stock.deliver([first, second]);
    expect(answer.outcomes).toEqual(["duplicate", "applied"]);
    expect(await effectsOf([first])).toEqual([first?.id]);
  });

  test("within one batch neither", async () => {
    const [event] = orders("a");
    expect((await stock.deliver([event, event])).outcomes).toEqual(["applied", "duplicate"]);
  });

  test("delivered at the same moment, ten times and in both orders, are applied once", async () => {
    const events = orders("a", "b", "c");
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        stock.deliver(i % 2 === 0 ? events : events.toReversed()),
      ),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const applied = answers.flatMap(({ outcomes }) => outcomes).filter((one) => one === "applied");
    expect(applied).toHaveLength(3);
    expect((await effectsOf(events)).toSorted()).toEqual(events.map(({ id }) => id).toSorted());
  });

  test("a replay is applied again, once, and says that it is one", async () => {
    const [event] = orders("a");
    const replayed = { ...event, tidewayreplay: 7 };
    await stock.deliver([event]);
    expect((await stock.deliver([replayed])).outcomes).toEqual(["applied"]);
    expect((await stock.deliver([replayed])).outcomes).toEqual(["duplicate"]);
    const effects = (await stock.effects()).filter((one) => one.event === event?.id);
    expect(effects.map(({ replay }) => replay)).toEqual([0, 7]);
  });
});

describe("an event that fails", () => {
  test("is told by its code, leaves nothing, and holds up later ones of its key alone", async () => {
    const [a, b, bad, d] = orders("a", "b", "bad", "d");
    const behind = order(bad?.partitionkey ?? "");
    failOn(bad?.id ?? "");
    const events = [a, b, bad, behind, d];
    const answer = await stock.deliver(events);
    expect(answer.outcomes).toEqual(["applied", "applied", "failed", "skipped", "applied"]);
    expect(answer.codes[2]).toBe("EVENT_HANDLER_FAILED");
    expect(answer.details[2]).toBe("The handler of shop.order.placed.v1 failed: no shelf");
    expect(answer).toMatchObject({ status: 200, failedHeader: "2" });
    expect(await stock.known([{ id: bad?.id ?? "" }, behind])).toBe(0);
    stock.onPlaced = async () => {};
    expect((await stock.deliver(events)).outcomes).toEqual([
      "duplicate",
      "duplicate",
      "applied",
      "applied",
      "duplicate",
    ]);
  });

  test("with a coded error is told by that code", async () => {
    stock.onPlaced = async (_, event) => {
      throw shopErrors.error("STOCK_MISSING", { given: { order: event.key } });
    };
    const answer = await stock.deliver(orders("a"));
    expect(answer.codes).toEqual(["STOCK_MISSING"]);
  });

  test("at its commit, by a deferred constraint, fails alone", async () => {
    const [a, twice, c] = orders("a", "twice", "c");
    stock.onPlaced = async (t, event) => {
      if (event.id !== twice?.id) return;
      await t.query("insert into effects (event, replay) values ($1, 0)", [event.id]);
    };
    const answer = await stock.deliver([a, twice, c]);
    expect(answer.outcomes).toEqual(["applied", "failed", "applied"]);
    expect(answer.codes[1]).toBe("EVENT_HANDLER_FAILED");
    expect(await effectsOf([twice])).toEqual([]);
  });

  test("because a swallowed error made the commit a rollback is not told as applied", async () => {
    stock.onPlaced = async (t) => {
      await t.query("selec").catch(() => {});
    };
    const events = orders("a");
    expect((await stock.deliver(events)).outcomes).toEqual(["failed"]);
    expect(await stock.known(events)).toBe(0);
  });

  test("and goes on writing after it failed, writes nothing", async () => {
    const [event] = orders("a");
    const late = Promise.withResolvers<unknown>();
    const released = Promise.withResolvers<void>();
    stock.onPlaced = async (t) => {
      void released.promise
        .then(() => t.query("insert into effects (event, replay) values ('stray', 0)"))
        .then(late.resolve, late.resolve);
      throw new Error("one of two");
    };
    expect((await stock.deliver([event])).outcomes).toEqual(["failed"]);
    released.resolve();
    expect(await late.promise).toMatchObject({ message: expect.stringContaining("is over") });
    expect((await stock.effects()).some((one) => one.event === "stray")).toBe(false);
  });

  test("every one of fifty keys, leaves the other fifty untouched", async () => {
    const good = orders(...Array.from({ length: 50 }, (_, i) => `good${i}`));
    const bad = orders(...Array.from({ length: 50 }, (_, i) => `bad${i}`));
    failOn(...bad.map(({ id }) => id));
    const mixed = good.flatMap((one, i) => [one, bad[i]]);
    const answer = await stock.deliver(mixed);
    expect(answer.outcomes.filter((one) => one === "applied")).toHaveLength(50);
    expect(answer.outcomes.filter((one) => one === "failed")).toHaveLength(50);
    expect(await effectsOf(good)).toEqual(good.map(({ id }) => id));
    expect(await stock.known(bad)).toBe(0);
  });
});

test("what a handler publishes is there if and only if its event was applied", async () => {
  const { pool } = stock.database;
  const logger = createLogger({ service: "stock", destination: { write: () => {} } });
  const publish = createPublisher(stockApi, { pool, logger });
  const heard = Promise.withResolvers<void>();
  const listener = await stock.admin.connect();
  listener.on("notification", () => heard.resolve());
  await listener.query(`listen ${OUTBOX_CHANNEL}`);
  const [a, bad, c] = orders("a", "bad", "c");
  stock.onPlaced = async (t, event) => {
    await publish(t, "taken", { key: event.key, data: { order: event.id } });
    if (event.id === bad?.id) throw new Error("no shelf");
  };
  const answer = await stock.deliver([a, bad, c]);
  expect(answer.outcomes).toEqual(["applied", "failed", "applied"]);
  const told = await stock.admin.query<{ order: string }>(
    "select data::jsonb ->> 'order' as order from tideway.outbox order by id",
  );
  expect(told.rows.map((row) => row.order)).toEqual([a?.id, c?.id]);
  // Also out of a delivery's transaction the relay is woken.
  await heard.promise;
  listener.release(true);
});

test("two deliveries that block each other in a circle are both applied", async () => {
  const [left, right] = orders("left", "right");
  let inside = 0;
  // Each takes its own lock first and then the other's.
  stock.onPlaced = async (t, event) => {
    const locks = event.id === left?.id ? [71, 72] : [72, 71];
    await t.query("select pg_advisory_xact_lock($1)", [locks[0]]);
    inside++;
    await until(() => inside >= 2, { deadlineMs: 5_000, what: "both hold a lock" });
    await t.query("select pg_advisory_xact_lock($1)", [locks[1]]);
  };
  const answers = await Promise.all([stock.deliver([left]), stock.deliver([right])]);
  expect(answers.map(({ outcomes }) => outcomes)).toEqual([["applied"], ["applied"]]);
});

test("deliveries leave half of the connections to whoever waits for an answer", async () => {
  const gate = Promise.withResolvers<void>();
  let inside = 0;
  let mostInside = 0;
  stock.onPlaced = async () => {
    mostInside = Math.max(mostInside, ++inside);
    await gate.promise;
    inside--;
  };
  const deliveries = orders(...Array.from({ length: 12 }, (_, i) => `k${i}`)).map((event) =>
    stock.deliver([event]),
  );
  await until(() => inside === 5, { deadlineMs: 4_000, intervalMs: 5, what: "five are at work" });
  expect((await stock.service.app.inject("/ready")).statusCode).toBe(200);
  gate.resolve();
  const answers = await Promise.all(deliveries);
  expect(answers.flatMap(({ outcomes }) => outcomes)).toEqual(Array(12).fill("applied"));
  expect(mostInside).toBe(5);
});
