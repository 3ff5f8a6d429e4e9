/** Two holders of one saga: a lease that ends while its holder works, many workers, an operator. */
import { newId, until } from "@tideway/kernel";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startShop, uuid } from "./test/shop.ts";
import type { Shop } from "./test/shop.ts";
import { orderSaga } from "./test/order-saga.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterEach(() => {
  shop.participants.fault = () => "none";
});
afterAll(() => shop.close());

/** Lets the first call of this kind for an order wait, and says when it has come. */
function stopAt(order: string, place: string) {
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<"none">();
  let seen = 0;
  shop.participants.fault = ({ what, id }) => {
    if (id !== order || what !== place || ++seen > 1) return "none";
    arrived.resolve();
    return gate.promise;
  };
  return { arrived: arrived.promise, go: () => gate.resolve("none") };
}

const rowOf = async (saga: string) => {
  const found = await shop.admin.query<{
    state: string;
    step: string;
    fence: string;
    updated: string;
  }>("select state, step, fence, updated_at::text as updated from tideway.sagas where id = $1", [
    uuid(saga),
  ]);
  return found.rows[0];
};
const orderRow = async (order: string) => {
  const found = await shop.admin.query<{ state: string; writes: number }>(
    "select state, writes from orders where order_id = $1",
    [order],
  );
  return found.rows[0];
};

describe("a lease that ends while its holder works", () => {
  test("during a call: the late answer writes nothing", async () => {
    const [first, second] = [await shop.instance(), await shop.instance({ pollEveryMs: 30 })];
    const order = newId("ord");
    const stop = stopAt(order, "label");
    const saga = await shop.order(first, order);
    await stop.arrived;
    await shop.endLease(saga);
    expect((await second.wait(saga, 10_000)).state).toBe("completed");
    const before = await rowOf(saga);
    stop.go();
    await until(() => first.log.some((line) => line.includes("fenced")), {
      deadlineMs: 5_000,
      what: "the first holder notices",
    });
    expect(await rowOf(saga)).toEqual(before);
    expect(await orderRow(order)).toEqual({ state: "closed", writes: 2 });
    for (const what of ["stock", "label", "ship", "sell"]) {
      expect(shop.participants.times.get(`${what} ${order}`)).toBe(1);
    }
    await Promise.all([first.stop(), second.stop()]);
  });

  test("during a transaction: all of it is rolled back", async () => {
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    let runs = 0;
    const slow = orderSaga();
    const definition = {
      ...slow,
      steps: slow.steps.map((step) => {
        if (step.name !== "close" || step.run === undefined) return step;
        const { run } = step;
        return {
          ...step,
          run: async (...given: Parameters<typeof run>) => {
            const isFirst = ++runs === 1;
            if (isFirst) {
              entered.resolve();
              await gate.promise;
            }
            await run(...given);
          },
        };
      }),
    };
    const first = await shop.instance({ definitions: [definition] });
    const second = await shop.instance({ definitions: [definition], pollEveryMs: 30 });
    const order = newId("ord");
    const saga = await shop.order(first, order);
    await entered.promise;
    await shop.endLease(saga);
    expect((await second.wait(saga, 10_000)).state).toBe("completed");
    gate.resolve();
    await until(() => first.log.some((line) => line.includes("fenced")), {
      deadlineMs: 5_000,
      what: "the first holder notices",
    });
    expect(runs).toBe(2);
    expect(await orderRow(order)).toEqual({ state: "closed", writes: 2 });
    await Promise.all([first.stop(), second.stop()]);
  });

  test("a holder that is alive keeps its lease for longer than the lease", async () => {
    const [first, second] = [await shop.instance(), await shop.instance({ pollEveryMs: 100 })];
    const order = newId("ord");
    const stop = stopAt(order, "stock");
    const saga = await shop.order(first, order);
    await stop.arrived;
    const leaseUntil = async (): Promise<number> => {
      const found = await shop.admin.query<{ until: Date }>(
        "select lease_until as until from tideway.sagas where id = $1",
        [uuid(saga)],
      );
      return found.rows[0]?.until.getTime() ?? 0;
    };
    const at = await leaseUntil();
    await until(async () => (await leaseUntil()) > at + 5_000, {
      deadlineMs: 12_000,
      what: "the lease was renewed for longer than it lasts",
    });
    stop.go();
    expect((await first.wait(saga, 10_000)).state).toBe("completed");
    expect((await rowOf(saga))?.fence).toBe("1");
    await Promise.all([first.stop(), second.stop()]);
  });
});

describe("many workers", () => {
  test("take each saga once, and none is left", async () => {
    const starter = await shop.instance();
    shop.participants.fault = () => "fail";
    const orders = Array.from({ length: 60 }, () => newId("ord"));
    const sagas = await Promise.all(orders.map((order) => shop.order(starter, order)));
    await Promise.all(sagas.map((saga) => starter.run(saga, 10_000)));
    shop.participants.fault = () => "none";
    const workers = await Promise.all(
      Array.from({ length: 3 }, () => shop.instance({ pollEveryMs: 20 })),
    );
    for (const saga of sagas) expect((await starter.wait(saga, 20_000)).state).toBe("completed");
    for (const order of orders) {
      expect(shop.participants.times.get(`ship ${order}`)).toBe(1);
      expect(await orderRow(order)).toEqual({ state: "closed", writes: 2 });
    }
    const busy = workers.filter(({ log }) => log.some((line) => line.includes("saga.over")));
    expect(busy.length).toBeGreaterThan(1);
    await Promise.all([starter, ...workers].map((one) => one.stop()));
  });

  test("one that stops lets others carry on at once, without waiting for its lease", async () => {
    const first = await shop.instance({ pollEveryMs: 30 });
    const order = newId("ord");
    const stop = stopAt(order, "stock");
    const saga = await shop.order(first, order);
    await stop.arrived;
    const stopped = first.stop();
    stop.go();
    await stopped;
    const found = await shop.admin.query(
      "select 1 from tideway.sagas where lease_owner is null and id = $1",
      [uuid(saga)],
    );
    expect(found.rowCount).toBe(1);
    const second = await shop.instance({ pollEveryMs: 30 });
    expect((await second.wait(saga, 3_000)).state).toBe("completed");
    await second.stop();
  });
});
