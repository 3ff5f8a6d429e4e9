/** Versions that come, go and come back: nothing in flight is stranded. */
import { newId, until } from "@tideway/kernel";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { compensateSaga } from "./operate.ts";
import { createDatabaseClock } from "./clock.ts";
import { systemClock } from "@tideway/kernel";
import { orderSaga } from "./test/order-saga.ts";
import { measureUnfinished } from "./store/upkeep.ts";
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
  const choose = (seen: { version: number; ageMs: number; newestAgoMs: number | null }[]) =>
    definitionToStart("order", {
      definitions,
      seen: seen.map((one) => ({ name: "order", ...one })),
      startNewAfterMs: START_NEW_AFTER_MS,
    }).version;

  test("is the newest where there was never another", () => {
    expect(choose([{ version: 2, ageMs: 0, newestAgoMs: 0 }])).toBe(2);
    // Carried along with the newest, but never the newest of anybody.
    const along = { version: 1, ageMs: 0, newestAgoMs: null };
    expect(choose([along, { version: 2, ageMs: 0, newestAgoMs: 0 }])).toBe(2);
  });
  test.each([
    ["the newest is too young", 9_000_000, START_NEW_AFTER_MS - 1, 1],
    ["an instance without it was there lately", START_NEW_AFTER_MS - 1, 9_000_000, 1],
    ["neither", START_NEW_AFTER_MS, START_NEW_AFTER_MS, 2],
  ])("is the one before until its bake time is over: %s", (_, newestAgoMs, ageMs, version) => {
    const before = { version: 1, ageMs: 9_000_000, newestAgoMs };
    expect(choose([before, { version: 2, ageMs, newestAgoMs: 0 }])).toBe(version);
  });
  test("is unknown for a saga that the revision does not carry", () => {
    const choice = { definitions, seen: [], startNewAfterMs: 0 };
    expect(() => definitionToStart("other", choice)).toThrow("carries no saga other");
  });
});

describe("the bake time of a version", () => {
  const versionOf = async (saga: string): Promise<number | undefined> =>
    (
      await shop.admin.query<{ version: number }>(
        "select version from tideway.sagas where id = $1",
        [uuid(saga)],
      )
    ).rows[0]?.version;
  /** Lets time go by for what was written down; nobody is there meanwhile. */
  const pass = (what: string) =>
    shop.admin.query(
      `update tideway.saga_definitions set first_seen_at = first_seen_at - $1::interval,
         carried_at = carried_at - $1::interval, newest_at = newest_at - $1::interval`,
      [what],
    );
  const both = [orderSaga(2), orderSaga(1)];
  const begunBy = async (definitions: typeof both): Promise<number | undefined> => {
    const instance = await shop.instance({ definitions });
    const saga = await shop.order(instance, newId("ord"));
    await instance.wait(saga, 10_000);
    await instance.stop();
    return versionOf(saga);
  };
  beforeEach(() => shop.admin.query("delete from tideway.saga_definitions"));

  test("counts from the last sign of an instance without it", async () => {
    expect(await begunBy([orderSaga(1)])).toBe(1);
    expect(await begunBy(both)).toBe(1);
    await pass("11 minutes");
    expect(await begunBy(both)).toBe(2);
    // The revision before comes up once more: whatever begins now may have to be carried by it.
    await pass("1 hour");
    expect(await begunBy([orderSaga(1)])).toBe(1);
    await pass("9 minutes");
    expect(await begunBy(both)).toBe(1);
  });

  test("begins anew after a rollback, however long the version was around before", async () => {
    await begunBy([orderSaga(1)]);
    await begunBy(both);
    await pass("1 day");
    expect(await begunBy(both)).toBe(2);
    // Rolled back for an hour; then both sleep for a day, so no older instance was seen lately.
    await pass("1 hour");
    await begunBy([orderSaga(1)]);
    await pass("1 day");
    expect(await begunBy(both)).toBe(1);
    await pass("10 minutes");
    expect(await begunBy(both)).toBe(2);
  });

  test("goes on while the service sleeps", async () => {
    await begunBy([orderSaga(1)]);
    await begunBy(both);
    await pass("3 days");
    expect(await begunBy(both)).toBe(2);
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
  const seenFromOutside = async () =>
    (await shop.admin.query("select 1 from tideway_due where due_at < now()")).rowCount;
  // The newer revision was there a moment ago, and may only be asleep.
  expect(await seenFromOutside()).toBe(1);
  expect(await old.module.wake?.()).toBe(0);
  expect(await due()).toBe(true);
  await shop.admin.query(
    "update tideway.saga_definitions set carried_at = carried_at - interval '61 s' where version = 2",
  );
  // Now nobody is woken for what nobody can do, and operators see it all the same.
  expect(await seenFromOutside()).toBe(0);
  expect(await measureUnfinished(shop.admin)).toContainEqual(
    expect.objectContaining({ version: 2, count: 1 }),
  );
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

test("a revision that cannot carry a saga on does not take it away from one that can", async () => {
  const newer = { definitions: [orderSaga(2), orderSaga(1)], startNewAfterMs: 0 };
  const first = await shop.instance(newer);
  const order = newId("ord");
  const saga = await shop.order(first, order, { pauseMs: 200 });
  expect((await first.run(saga, 10_000)).state).toBe("waiting");
  await first.stop();
  const old = await shop.instance({ definitions: [orderSaga(1)] });
  const fence = async () =>
    (
      await shop.admin.query("select fence, attempts from tideway.sagas where id = $1", [
        uuid(saga),
      ])
    ).rows[0] as unknown;
  const before = await fence();
  expect((await old.run(saga, 400)).isOver).toBe(false);
  expect(await fence()).toEqual(before);
  const back = await shop.instance({ ...newer, pollEveryMs: 30 });
  expect((await old.run(saga, 10_000)).state).toBe("completed");
  await Promise.all([old.stop(), back.stop()]);
});
