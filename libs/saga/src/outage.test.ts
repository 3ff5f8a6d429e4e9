/**
 * The database goes away in the middle of sagas: for a second, and exactly between a commit and its
 * answer, at every statement that a saga needs. Whoever comes next finds out what is there.
 */
import { newId, until } from "@tideway/kernel";
import { tx } from "@tideway/store";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { LEASE_MS } from "./machine/lease.ts";
import { sagaIdOf } from "./start-saga.ts";
import { openDoor } from "./test/database-door.ts";
import type { DatabaseDoor } from "./test/database-door.ts";
import { startShop, uuid } from "./test/shop.ts";
import type { Instance, Shop } from "./test/shop.ts";

let shop: Shop;
let door: DatabaseDoor;
let sagas: Instance;
beforeAll(async () => {
  shop = await startShop();
  door = await openDoor(shop.database.url);
  sagas = await shop.instance({ databaseUrl: door.url, pollEveryMs: 40 });
});
afterEach(() => {
  shop.participants.fault = () => "none";
});
afterAll(async () => {
  await shop.close();
  await door.close();
});

const WHAT = ["stock", "label", "ship", "sell"];
const orderRow = async (order: string) => {
  const text = "select state, writes from orders where order_id = $1";
  return (await shop.admin.query<{ state: string; writes: number }>(text, [order])).rows[0];
};
const expectOnce = async (order: string): Promise<void> => {
  for (const what of WHAT) expect(shop.participants.times.get(`${what} ${order}`)).toBe(1);
  expect(await orderRow(order)).toEqual({ state: "closed", writes: 2 });
};

describe("a commit whose answer is lost", () => {
  // In the order of the steps: label's, ship's, sell's and close's requests and results.
  test.each(["stock", "label", "ship", "sell"])(
    "of the save after %s: the saga goes on at once, and nothing is done twice",
    async (place) => {
      const order = newId("ord");
      shop.participants.fault = ({ what, id }) => {
        if (id === order && what === place) {
          // The last of them commits with the transaction of `close`.
          door.loseAnswerTo(place === "sell" ? "commit\0" : "saga-save");
        }
        return "none";
      };
      const startedAtMs = performance.now();
      const saga = await shop.order(sagas, order);
      const end = await sagas.wait(saga, 15_000);
      expect(end.state).toBe("completed");
      expect(performance.now() - startedAtMs).toBeLessThan(LEASE_MS - 1_500);
      await expectOnce(order);
      expect(sagas.log.some((line) => line.includes(saga) && line.includes("unknown"))).toBe(true);
    },
  );

  test("of the start: the instance that holds the lease finds it by the retry, at once", async () => {
    const quiet = await shop.instance({ databaseUrl: door.url });
    const order = newId("ord");
    door.loseAnswerTo("commit\0");
    const startedAtMs = performance.now();
    await expect(shop.order(quiet, order)).rejects.toThrow();
    const saga = await sagaIdOf("order", order);
    expect(await shop.order(quiet, order)).toBe(saga);
    const end = await quiet.run(saga, 15_000);
    expect(end.state).toBe("completed");
    expect(performance.now() - startedAtMs).toBeLessThan(LEASE_MS - 1_500);
    await expectOnce(order);
    await quiet.stop();
  });

  test("of an undo's transaction: it is undone once", async () => {
    const order = newId("ord");
    shop.participants.fault = ({ what, id }) => {
      if (id !== order) return "none";
      if (what === "undo-stock") door.loseAnswerTo("commit\0");
      return what === "ship" ? "refuse" : "none";
    };
    const saga = await shop.order(sagas, order);
    expect((await sagas.wait(saga, 15_000)).state).toBe("compensated");
    expect(await orderRow(order)).toEqual({ state: "undone REFUSED", writes: 2 });
  });
});

describe("the database is away for a second", () => {
  test("whatever was under way goes on when it is back, within its lease's time and no try counted", async () => {
    const orders = Array.from({ length: 20 }, () => newId("ord"));
    const isShut = Promise.withResolvers<"none">();
    let arrived = 0;
    shop.participants.fault = ({ what, id }) => {
      const isHere = WHAT[orders.indexOf(id) % WHAT.length] === what;
      if (!isHere) return "none";
      arrived++;
      return isShut.promise;
    };
    const started = await Promise.all(orders.map((order) => shop.order(sagas, order)));
    await until(() => arrived >= orders.length, { deadlineMs: 10_000, what: "all are in a call" });
    await door.shut();
    shop.participants.fault = () => "none";
    isShut.resolve("none");
    const wasAway = (line: string) => line.includes("saga.release-failed");
    await until(() => sagas.log.filter(wasAway).length >= orders.length, {
      deadlineMs: 10_000,
      what: "each of them meets the outage",
    });
    await door.open();
    for (const saga of started) {
      expect((await sagas.wait(saga, 15_000)).state).toBe("completed");
    }
    for (const order of orders) await expectOnce(order);
    const tried = await shop.admin.query(
      "select 1 from tideway.saga_steps where saga = any($1::uuid[]) and attempts > 0",
      [started.map(uuid)],
    );
    expect(tried.rowCount).toBe(0);
  });

  test("a start that never reached it has not happened", async () => {
    const order = newId("ord");
    await door.shut();
    await expect(
      tx(sagas.pool, (t) => sagas.start(t, "order", { key: order, data: { order } })),
    ).rejects.toThrow();
    await door.open();
    expect(await orderRow(order)).toBeUndefined();
    // Connections that broke while they were idle may be found broken only when they are used.
    const saga = await until(() => shop.order(sagas, order).catch(() => false as const), {
      deadlineMs: 5_000,
      what: "the database is back for the instance",
    });
    expect((await sagas.wait(saga, 10_000)).state).toBe("completed");
  });
});
