/** Sagas on a real database and over real HTTP: forward, back, and what is in between. */
import { newId, until } from "@tideway/kernel";
import { tx } from "@tideway/store";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startShop, uuid } from "./test/shop.ts";
import type { Instance, Shop } from "./test/shop.ts";

let shop: Shop;
let sagas: Instance;
beforeAll(async () => {
  shop = await startShop();
  sagas = await shop.instance({ pollEveryMs: 40 });
});
afterEach(() => {
  shop.participants.fault = () => "none";
});
afterAll(() => shop.close());

const newOrder = (): string => newId("ord");
const stateOf = async (order: string): Promise<string | undefined> => {
  const text = "select state from orders where order_id = $1";
  const found = await shop.admin.query<{ state: string }>(text, [order]);
  return found.rows[0]?.state;
};
const stepsOf = async (saga: string): Promise<Record<string, string>> => {
  const text = "select step, state from tideway.saga_steps where saga = $1 order by position";
  const found = await shop.admin.query<{ step: string; state: string }>(text, [uuid(saga)]);
  return Object.fromEntries(found.rows.map(({ step, state }) => [step, state]));
};
const callsFor = (order: string): string[] =>
  shop.participants.calls.filter(({ id }) => id === order).map(({ what }) => what);

describe("forward", () => {
  test("every step is done once, in its order, and everything is written down", async () => {
    const order = newOrder();
    const saga = await shop.order(sagas, order);
    const end = await sagas.wait(saga, 10_000);
    expect(end).toMatchObject({ state: "completed", isOver: true, problem: null });
    expect(end.results).toMatchObject({ note: { noted: order }, stock: { ok: "stock" } });
    expect(callsFor(order)).toEqual(["stock", "label", "ship", "sell"]);
    expect(await stateOf(order)).toBe("closed");
    expect(Object.values(await stepsOf(saga))).toEqual(Array.from({ length: 6 }, () => "done"));
  });

  test("an answer that was lost is asked for again under the same key", async () => {
    const order = newOrder();
    const lost = new Set<string>();
    shop.participants.fault = ({ what, id }) => {
      const seen = callsFor(order).filter((one) => one === what).length;
      if (id !== order || seen > 2) return "none";
      lost.add(what);
      return "lose";
    };
    const saga = await shop.order(sagas, order);
    expect((await sagas.wait(saga, 20_000)).state).toBe("completed");
    expect([...lost]).toEqual(["stock", "label", "ship", "sell"]);
    const keys = Map.groupBy(
      shop.participants.calls.filter(({ id }) => id === order),
      (c) => c.what,
    );
    for (const calls of keys.values()) expect(new Set(calls.map(({ key }) => key)).size).toBe(1);
    for (const what of lost) expect(shop.participants.times.get(`${what} ${order}`)).toBe(1);
  });

  test("after the pivot a refusal is tried again, however often", async () => {
    const order = newOrder();
    shop.participants.fault = ({ what, id }) =>
      id === order && what === "sell" && callsFor(order).filter((w) => w === "sell").length < 4
        ? "refuse"
        : "none";
    const saga = await shop.order(sagas, order);
    expect((await sagas.wait(saga, 10_000)).state).toBe("completed");
    expect(callsFor(order).filter((what) => what.startsWith("undo-"))).toEqual([]);
  });
});

describe("back", () => {
  test("a step refused for good undoes those before it, last one first", async () => {
    const order = newOrder();
    shop.participants.fault = ({ what, id }) =>
      id === order && what === "ship" ? "refuse" : "none";
    const saga = await shop.order(sagas, order);
    const end = await sagas.wait(saga, 10_000);
    expect(end).toMatchObject({ state: "compensated", reason: { code: "REFUSED" } });
    expect(callsFor(order)).toEqual(["stock", "label", "ship", "undo-label", "undo-stock"]);
    expect(await stateOf(order)).toBe("undone REFUSED");
    expect(await stepsOf(saga)).toEqual({
      note: "undone",
      stock: "undone",
      label: "undone",
      ship: "failed",
    });
  });

  test("a step of unknown outcome is undone too, and an undo is tried until it is done", async () => {
    const order = newOrder();
    const dying = await shop.instance({ pollEveryMs: 40 });
    shop.participants.fault = ({ what, id }) => {
      if (id !== order) return "none";
      if (what === "label") return "lose";
      if (what === "undo-label") {
        return callsFor(order).filter((one) => one === what).length < 3 ? "fail" : "none";
      }
      return "none";
    };
    const saga = await shop.order(dying, order);
    await until(() => callsFor(order).includes("label"), { deadlineMs: 5_000, what: "the call" });
    await shop.admin.query("update tideway.sagas set deadline_at = now() where id = $1", [
      uuid(saga),
    ]);
    const end = await sagas.wait(saga, 20_000);
    expect(end).toMatchObject({ state: "compensated", reason: { code: "SAGA_DEADLINE" } });
    expect(shop.participants.done.has(`label ${order}`)).toBe(false);
    expect(shop.participants.done.has(`stock ${order}`)).toBe(false);
    expect(await stateOf(order)).toBe("undone SAGA_DEADLINE");
    await dying.stop();
  });

  test("a pivot nobody heard of is never taken back, even after the deadline", async () => {
    const order = newOrder();
    shop.participants.fault = ({ what, id }) => (id === order && what === "ship" ? "lose" : "none");
    const saga = await shop.order(sagas, order);
    await until(() => callsFor(order).filter((w) => w === "ship").length > 1, {
      deadlineMs: 10_000,
      what: "a second try of the pivot",
    });
    await shop.admin.query("update tideway.sagas set deadline_at = now() where id = $1", [
      uuid(saga),
    ]);
    shop.participants.fault = () => "none";
    expect((await sagas.wait(saga, 20_000)).state).toBe("completed");
  });
});

describe("starting", () => {
  test("is one saga for a key, also when many start it at once on two instances", async () => {
    const order = newOrder();
    const other = await shop.instance();
    const started = await Promise.all(
      Array.from({ length: 10 }, (_, i) => shop.order(i % 2 === 0 ? sagas : other, order)),
    );
    expect(new Set(started).size).toBe(1);
    expect((await sagas.wait(started[0] ?? "", 10_000)).state).toBe("completed");
    expect(shop.participants.times.get(`ship ${order}`)).toBe(1);
    await expect(shop.order(sagas, order, { pauseMs: 5 })).rejects.toMatchObject({
      code: "SAGA_KEY_REUSED",
    });
    await other.stop();
  });

  test("happens with the caller's transaction or not at all", async () => {
    const order = newOrder();
    const attempt = tx(shop.database.pool, async (t) => {
      await sagas.start(t, "order", { key: order, data: { order } });
      throw new Error("changed my mind");
    });
    await expect(attempt).rejects.toThrow("changed my mind");
    expect(await stateOf(order)).toBeUndefined();
    const found = await shop.admin.query("select 1 from tideway.sagas where start_key = $1", [
      order,
    ]);
    expect(found.rowCount).toBe(0);
    expect(callsFor(order)).toEqual([]);
  });

  test("is refused by its first step, its schema, and its size", async () => {
    const order = newOrder();
    await shop.admin.query("insert into orders (order_id, state) values ($1, 'there')", [order]);
    await expect(shop.order(sagas, order)).rejects.toThrow("duplicate key");
    const start = (data: unknown) =>
      tx(shop.database.pool, (t) => sagas.start(t, "order", { key: newOrder(), data }));
    await expect(start({ order: 5 })).rejects.toMatchObject({ code: "SAGA_DATA_INVALID" });
    await expect(start({ order: "x".repeat(300_000) })).rejects.toMatchObject({
      code: "SAGA_DATA_TOO_LARGE",
    });
    const unknown = tx(shop.database.pool, (t) => sagas.start(t, "none", { key: "k", data: {} }));
    await expect(unknown).rejects.toMatchObject({ code: "SAGA_UNKNOWN" });
  });
});
