/** Many at once, and bad neighbours: a crowd of due sagas, of waiters, a stopped holder, a wrong clock. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { newId, systemClock, until } from "@tideway/kernel";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { CONCURRENCY_MAX } from "./poller.ts";
import { claimDue } from "./store/read.ts";
import { FORGET_ROWS_MAX, forgetOld } from "./store/upkeep.ts";
import { sagaIdOf } from "./start-saga.ts";
import { openDoor } from "./test/database-door.ts";
import { orderSaga } from "./test/order-saga.ts";
import { startShop, uuid } from "./test/shop.ts";
import type { Shop } from "./test/shop.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterEach(async () => {
  shop.participants.fault = () => "none";
  await shop.admin.query("delete from tideway.saga_steps");
  await shop.admin.query("delete from tideway.sagas");
});
afterAll(() => shop.close());

/** Rows of sagas at their first call, in the past by `age`, as if somebody had begun and died. */
const insertMany = (count: number, version: number, state = "running", age = "1 hour") =>
  shop.admin.query(
    `insert into tideway.sagas (id, name, version, definition, state, step, data, fence, due_at,
       deadline_at, start_key, created_at, updated_at)
     select gen_random_uuid(), 'order', $2::int, $3, $4::text, 'stock',
       jsonb_build_object('order', 'many-' || n), 1,
       case when $4::text = 'running' then now() - $5::text::interval end, now() + interval '1 day',
       concat($4::text, $5::text, $2::int, n), now() - $5::text::interval, now() - $5::text::interval
     from generate_series(1, $1::int) as n`,
    [count, version, JSON.stringify(orderSaga().plan), state, age],
  );

test("10,000 due sagas are taken a few at a time, and none that nobody carries stands in the way", async () => {
  await insertMany(10_000, 7);
  await insertMany(200, 1, "running", "1 minute");
  let most = 0;
  let underWay = 0;
  shop.participants.fault = () => {
    most = Math.max(most, ++underWay);
    setImmediate(() => underWay--);
    return "none";
  };
  await shop.admin.query("analyze tideway.sagas");
  const plan = await shop.admin.query<{ "QUERY PLAN": string }>(
    `explain select id from tideway.sagas o where o.name = 'order' and o.version = 1
       and not o.by_data and o.due_at <= now() order by o.due_at limit 16 for update skip locked`,
  );
  expect(plan.rows.map((row) => row["QUERY PLAN"]).join("\n")).toMatch(
    /Index Scan using sagas_due/,
  );
  const startedAtMs = performance.now();
  const worker = await shop.instance({ pollEveryMs: 1_000 });
  await until(
    async () => {
      const done = "select count(*)::int as n from tideway.sagas where state = 'completed'";
      return (await shop.admin.query<{ n: number }>(done)).rows[0]?.n === 200;
    },
    { deadlineMs: 25_000, what: "all that are carried are done" },
  );
  // At 16 a poll alone it would take 12 s.
  expect(performance.now() - startedAtMs).toBeLessThan(10_000);
  expect(most).toBeLessThanOrEqual(CONCURRENCY_MAX);
  const left = await shop.admin.query(
    "select 1 from tideway.sagas where version = 7 and fence = 1 and lease_owner is null",
  );
  expect(left.rowCount).toBe(10_000);
  await worker.stop();
});

test("one claim takes no more than it may, over versions and what is left as requests", async () => {
  await insertMany(30, 1);
  await insertMany(30, 2);
  await shop.admin.query(
    `update tideway.sagas set by_data = true, state = 'compensating'
     where id in (select id from tideway.sagas order by id limit 20)`,
  );
  const carried = [1, 2].map((version) => ({ name: "order", version }));
  const seen = new Set<string>();
  for (let round = 0; round < 4; round++) {
    const claimed = await claimDue(shop.admin, "ins_a", carried, 16);
    expect(claimed.length).toBe(round < 3 ? 16 : 12);
    for (const { state } of claimed) seen.add(state.saga);
  }
  expect(seen.size).toBe(60);
});

test("those who wait for sagas ask together, one query a round", async () => {
  const door = await openDoor(shop.database.url);
  const gate = Promise.withResolvers<"none">();
  shop.participants.fault = ({ what }) => (what === "stock" ? gate.promise : "none");
  const holder = await shop.instance();
  const waiter = await shop.instance({ databaseUrl: door.url });
  const sagas = await Promise.all(
    Array.from({ length: 20 }, () => shop.order(holder, newId("ord"))),
  );
  const before = door.seen("saga-over");
  const waiting = Array.from({ length: 400 }, (_, i) => waiter.wait(sagas[i % 20] ?? "", 15_000));
  await until(() => door.seen("saga-over") - before >= 10, {
    deadlineMs: 10_000,
    what: "some rounds went by",
  });
  const rounds = door.seen("saga-over") - before;
  expect(rounds).toBeLessThan(20);
  gate.resolve("none");
  for (const view of await Promise.all(waiting)) expect(view.state).toBe("completed");
  await Promise.all([holder.stop(), waiter.stop()]);
  await door.close();
});

test("a holder that is stopped beyond its lease writes nothing when it goes on", async () => {
  const order = newId("ord");
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<"none">();
  let seen = 0;
  shop.participants.fault = ({ what, id }) => {
    if (id !== order || what !== "label" || ++seen > 1) return "none";
    arrived.resolve();
    return gate.promise;
  };
  const script = fileURLToPath(new URL("test/worker-process.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    [script, shop.database.url, shop.participants.url, "ins_stopped", order],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let log = "";
  child.stdout.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  try {
    await arrived.promise;
    child.kill("SIGSTOP");
    const saga = await sagaIdOf("order", order);
    await shop.endLease(saga);
    const successor = await shop.instance({ pollEveryMs: 30 });
    expect((await successor.wait(saga, 10_000)).state).toBe("completed");
    const row = async () =>
      (await shop.admin.query("select * from tideway.sagas where id = $1", [uuid(saga)]))
        .rows[0] as unknown;
    const before = await row();
    gate.resolve("none");
    child.kill("SIGCONT");
    await until(() => /fenced|lease-lost/.test(log), {
      deadlineMs: 10_000,
      what: "the stopped holder notices",
    });
    expect(await row()).toEqual(before);
    for (const what of ["stock", "label", "ship", "sell"]) {
      expect(shop.participants.times.get(`${what} ${order}`)).toBe(1);
    }
    await successor.stop();
  } finally {
    child.kill("SIGKILL");
  }
});

test.each([
  ["an hour ahead", 3_600_000],
  ["an hour behind", -3_600_000],
])(
  "an instance whose clock is %s starts, waits and ends sagas like any other",
  async (_, offMs) => {
    const clock = { ...systemClock, now: () => systemClock.now() + offMs };
    const definitions = [orderSaga(3), orderSaga(2), orderSaga(1)];
    const odd = await shop.instance({ clock, definitions, pollEveryMs: 30, startNewAfterMs: 0 });
    const saga = await shop.order(odd, newId("ord"), { pauseMs: 300 });
    const found = await shop.admin.query<{ deadline: number; wake: number }>(
      `select extract(epoch from deadline_at - created_at)::float8 as deadline,
       (select extract(epoch from max(begun_at) - created_at)::float8 from tideway.saga_steps
        where saga = id) as wake
     from tideway.sagas where id = $1`,
      [uuid(saga)],
    );
    expect(Math.abs((found.rows[0]?.deadline ?? 0) - 20)).toBeLessThan(1);
    expect(Math.abs(found.rows[0]?.wake ?? 9)).toBeLessThan(1);
    await odd.signal(saga, "paid", null);
    expect((await odd.wait(saga, 10_000)).state).toBe("completed");
    await odd.stop();
  },
);

test("sagas that are over for 30 days are forgotten with their steps, the others never", async () => {
  await insertMany(FORGET_ROWS_MAX + 5, 1, "completed", "31 days");
  await insertMany(2, 2, "compensated", "31 days");
  await insertMany(3, 1, "completed", "29 days");
  await insertMany(4, 1, "running", "90 days");
  await shop.admin.query(
    `insert into tideway.saga_steps (saga, step, position, kind, state, key)
     select id, 'stock', 1, 'reserve', 'done', id::text from tideway.sagas`,
  );
  // Over since yesterday, though it began long ago.
  await shop.admin.query(
    `update tideway.sagas set updated_at = now() - interval '1 day' where version = 2`,
  );
  expect(await forgetOld(shop.database.pool)).toBe(FORGET_ROWS_MAX);
  expect(await forgetOld(shop.database.pool)).toBe(5);
  expect(await forgetOld(shop.database.pool)).toBe(0);
  const left = await shop.admin.query<{ state: string; count: number; steps: number }>(
    `select state, count(*)::int as count,
       (select count(*)::int from tideway.saga_steps t join tideway.sagas o on o.id = t.saga
        where o.state = s.state) as steps
     from tideway.sagas s group by state order by state`,
  );
  expect(left.rows).toEqual([
    { state: "compensated", count: 2, steps: 2 },
    { state: "completed", count: 3, steps: 3 },
    { state: "running", count: 4, steps: 4 },
  ]);
  const orphans = await shop.admin.query(
    "select 1 from tideway.saga_steps where saga not in (select id from tideway.sagas)",
  );
  expect(orphans.rowCount).toBe(0);
});
