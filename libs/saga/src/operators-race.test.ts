/** Operators at bad moments: while a step runs, two at once, and undos that never succeed. */
import { newId, systemClock, until } from "@tideway/kernel";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createDatabaseClock } from "./clock.ts";
import { ATTENTION_TRIES } from "./machine/backoff.ts";
import { compensateSaga, retrySaga } from "./operate.ts";
import { orderSaga } from "./test/order-saga.ts";
import { startShop, uuid } from "./test/shop.ts";
import type { Shop } from "./test/shop.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterEach(() => {
  shop.participants.fault = () => "none";
});
afterAll(() => shop.close());

const operating = () => ({ pool: shop.database.pool, clock: createDatabaseClock(systemClock) });
const attentionOf = async (saga: string): Promise<boolean | undefined> =>
  (
    await shop.admin.query<{ attention: boolean }>(
      "select attention from tideway.sagas where id = $1",
      [uuid(saga)],
    )
  ).rows[0]?.attention;

test("given up while a call is under way: the late call is undone, and its holder writes nothing", async () => {
  const holder = await shop.instance();
  const order = newId("ord");
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<"none">();
  shop.participants.fault = ({ what, id }) => {
    if (id !== order || what !== "label") return "none";
    arrived.resolve();
    return gate.promise;
  };
  const saga = await shop.order(holder, order);
  await arrived.promise;
  const [first, second] = await Promise.all([
    compensateSaga(operating(), saga, "olga: changed her mind"),
    compensateSaga(operating(), saga, "oleg: changed his"),
  ]);
  expect([first.state.phase, second.state.phase]).toEqual(["compensating", "compensating"]);
  const other = await shop.instance({ pollEveryMs: 30 });
  const end = await other.wait(saga, 10_000);
  expect(end).toMatchObject({ state: "compensated", reason: { code: "SAGA_GIVEN_UP" } });
  gate.resolve("none");
  await until(() => holder.log.some((line) => /fenced|lease-lost/.test(line)), {
    deadlineMs: 5_000,
    what: "the holder notices",
  });
  // The call came to its service after the undo, and is barred there.
  for (const what of ["stock", "label", "ship"]) {
    expect(shop.participants.done.has(`${what} ${order}`)).toBe(false);
  }
  expect((await holder.wait(saga, 1_000)).state).toBe("compensated");
  await Promise.all([holder.stop(), other.stop()]);
});

test("given up while its pivot is being begun: one of the two happens", async () => {
  const worker = await shop.instance({ pollEveryMs: 20 });
  for (let round = 0; round < 25; round++) {
    const order = newId("ord");
    const reached = Promise.withResolvers<void>();
    shop.participants.fault = ({ what, id }) => {
      if (id === order && what === "label") reached.resolve();
      return "none";
    };
    const saga = await shop.order(worker, order);
    await reached.promise;
    const answer = await compensateSaga(operating(), saga, "olga: now").then(
      () => "given up",
      (error: unknown) => String(Reflect.get(Object(error), "code")),
    );
    const end = await worker.wait(saga, 10_000);
    const all = ["stock", "label", "ship", "sell"];
    const done = all.filter((what) => shop.participants.done.has(`${what} ${order}`));
    if (answer === "given up") {
      expect([end.state, done]).toEqual(["compensated", []]);
    } else {
      expect(["SAGA_PAST_PIVOT", "SAGA_OVER"]).toContain(answer);
      expect([end.state, done]).toEqual(["completed", all]);
    }
  }
  await worker.stop();
});

test("retried by two at once it is tried once, and nobody is told a falsehood", async () => {
  const worker = await shop.instance({ pollEveryMs: 40 });
  const order = newId("ord");
  shop.participants.fault = ({ what, id }) => (id === order && what === "ship" ? "fail" : "none");
  const saga = await shop.order(worker, order);
  await worker.run(saga, 10_000);
  shop.participants.fault = () => "none";
  await Promise.all([retrySaga(operating(), saga), retrySaga(operating(), saga)]);
  expect((await worker.wait(saga, 10_000)).state).toBe("completed");
  expect(shop.participants.times.get(`ship ${order}`)).toBe(1);
  await worker.stop();
});

test("an undo that is refused for ever is told of and never given up", async () => {
  const worker = await shop.instance({ pollEveryMs: 20 });
  const order = newId("ord");
  let isHealed = false;
  shop.participants.fault = ({ what, id }) => {
    if (id !== order || isHealed) return "none";
    return what === "ship" || what === "undo-label" ? "refuse" : "none";
  };
  const saga = await shop.order(worker, order);
  const undos = () =>
    shop.participants.calls.filter(({ what, id }) => what === "undo-label" && id === order);
  await until(() => undos().length >= 3, { deadlineMs: 10_000, what: "some tries" });
  expect(await attentionOf(saga)).toBe(false);
  // Years of it, in a moment.
  await shop.admin.query(
    "update tideway.sagas set attempts = $2, due_at = now() where id = $1 and lease_owner is null",
    [uuid(saga), ATTENTION_TRIES - 1],
  );
  await until(async () => (await attentionOf(saga)) === true, {
    deadlineMs: 35_000,
    what: "somebody should look",
  });
  const row = await shop.admin.query<{ due: boolean; state: string }>(
    "select due_at is not null as due, state from tideway.sagas where id = $1",
    [uuid(saga)],
  );
  expect(row.rows[0]).toEqual({ due: true, state: "compensating" });
  expect(shop.participants.done.has(`stock ${order}`)).toBe(true);
  isHealed = true;
  await retrySaga(operating(), saga);
  expect((await worker.wait(saga, 40_000)).state).toBe("compensated");
  expect(shop.participants.done.has(`stock ${order}`)).toBe(false);
  expect(new Set(undos().map(({ key }) => key)).size).toBe(1);
  await worker.stop();
});

test("timers and early signals outlive every instance", async () => {
  const definitions = [orderSaga(3)];
  const first = await shop.instance({ definitions });
  const order = newId("ord");
  const saga = await shop.order(first, order, { pauseMs: 400 });
  expect((await first.run(saga, 10_000)).state).toBe("waiting");
  await first.signal(saga, "paid", { by: "card" });
  await first.stop();
  const second = await shop.instance({ definitions, pollEveryMs: 30 });
  const end = await second.wait(saga, 10_000);
  expect(end).toMatchObject({ state: "completed", results: { paid: { by: "card" } } });
  await second.stop();
});
