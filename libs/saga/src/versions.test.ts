/** Versions that come, go and come back: nothing in flight is stranded. */
import { newId, until } from "@tideway/kernel";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { compensateSaga } from "./operate.ts";
import { createDatabaseClock } from "./clock.ts";
import { systemClock } from "@tideway/kernel";
import { orderSaga } from "./test/order-saga.ts";
import { startShop, uuid } from "./test/shop.ts";
import type { Shop } from "./test/shop.ts";
import { START_NEW_AFTER_MS, definitionToStart } from "./versions.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterEach(() => {
  shop.participants.fault = () => "none";
});
afterAll(() => shop.close());

describe("which version a new saga begins by", () => {
  const definitions = [orderSaga(2), orderSaga(1)];
  const choose = (seen: { version: number; ageMs: number }[], elapsedMs = 0) =>
    definitionToStart("order", {
      definitions,
      seen: seen.map((one) => ({ name: "order", ...one })),
      elapsedMs,
      startNewAfterMs: START_NEW_AFTER_MS,
    }).version;

  test("is the newest where there was never another", () => {
    expect(choose([{ version: 2, ageMs: 0 }])).toBe(2);
  });
  test("is the one before until the newest has been around for its bake time", () => {
    const seen = [
      { version: 1, ageMs: 9_000_000 },
      { version: 2, ageMs: 100_000 },
    ];
    expect(choose(seen)).toBe(1);
    expect(choose(seen, START_NEW_AFTER_MS - 100_001)).toBe(1);
    expect(choose(seen, START_NEW_AFTER_MS - 100_000)).toBe(2);
  });
  test("is unknown for a saga that the revision does not carry", () => {
    const choice = { definitions, seen: [], elapsedMs: 0, startNewAfterMs: 0 };
    expect(() => definitionToStart("other", choice)).toThrow("carries no saga other");
  });
});

test("a candidate begins by the old version, so that the revision before can carry on", async () => {
  const stable = await shop.instance({ definitions: [orderSaga(1)], pollEveryMs: 30 });
  const candidate = await shop.instance({ definitions: [orderSaga(2), orderSaga(1)] });
  const order = newId("ord");
  shop.participants.fault = ({ id, what }) => (id === order && what === "label" ? "fail" : "none");
  const saga = await shop.order(candidate, order);
  await candidate.run(saga, 10_000);
  // The candidate is withdrawn.
  await candidate.stop();
  shop.participants.fault = () => "none";
  expect((await stable.wait(saga, 10_000)).state).toBe("completed");
  await stable.stop();
});

test("after a rollback a newer version's saga is left alone, and carried on when it comes back", async () => {
  const newer = { definitions: [orderSaga(2), orderSaga(1)], startNewAfterMs: 0 };
  const first = await shop.instance(newer);
  const order = newId("ord");
  const saga = await shop.order(first, order, { pauseMs: 300 });
  expect((await first.run(saga, 10_000)).state).toBe("waiting");
  await first.stop();
  const old = await shop.instance({ definitions: [orderSaga(1)], pollEveryMs: 20 });
  const due = async () =>
    (
      await shop.admin.query("select 1 from tideway.sagas where id = $1 and due_at < now()", [
        uuid(saga),
      ])
    ).rowCount === 1;
  await until(due, { deadlineMs: 5_000, what: "its timer is over" });
  // Due work is seen from outside, and the old revision has looked for some of it.
  expect((await shop.admin.query("select 1 from tideway_due where due_at < now()")).rowCount).toBe(
    1,
  );
  expect(await old.module.wake?.()).toBe(0);
  expect(await due()).toBe(true);
  const back = await shop.instance({ ...newer, pollEveryMs: 30 });
  expect((await back.wait(saga, 10_000)).state).toBe("completed");
  await Promise.all([old.stop(), back.stop()]);
});

test("what is left to undo as requests, any revision undoes", async () => {
  const newer = await shop.instance({
    definitions: [orderSaga(2), orderSaga(1)],
    startNewAfterMs: 0,
  });
  const order = newId("ord");
  const saga = await shop.order(newer, order, { pauseMs: 3_600_000 });
  expect((await newer.run(saga, 10_000)).state).toBe("waiting");
  await newer.stop();
  const old = await shop.instance({ definitions: [orderSaga(1)], pollEveryMs: 20 });
  // Its first step is undone by code of version 2; all others by requests.
  await shop.admin.query(
    "update tideway.saga_steps set undo = '[]' where saga = $1 and step = 'note'",
    [uuid(saga)],
  );
  const parts = { pool: shop.database.pool, clock: createDatabaseClock(systemClock) };
  await compensateSaga(parts, saga, "it is too old");
  expect((await old.wait(saga, 10_000)).state).toBe("compensated");
  expect(shop.participants.done.has(`stock ${order}`)).toBe(false);
  expect(shop.participants.done.has(`label ${order}`)).toBe(false);
  await old.stop();
});
