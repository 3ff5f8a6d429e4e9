/** Publishing: an event is there if and only if its transaction committed, in its key's order. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newId, until, uuidToId } from "@tideway/kernel";
import { createPool, tx } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { createLogger, newTrace, withTrace } from "@tideway/telemetry";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPublisher } from "./index.ts";
import type { Publish } from "./index.ts";
import { shopApi } from "./test/shop-api.ts";

const logger = createLogger({ service: "shop", destination: { write: () => {} } });
let database: TestDatabase;
let pool: Pool;
let admin: Pool;
let publish: Publish<typeof shopApi>;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tw-shop-"));
  const sql = `create table orders (id text primary key);
    grant select, insert on orders to shop_app;`;
  writeFileSync(join(folder, "0001_orders.sql"), sql);
  database = await testDatabase({ service: "shop", migrations: folder });
  pool = database.pool;
  admin = createPool({ url: database.adminUrl, connectionsMax: 2, applicationName: "admin" });
  publish = createPublisher(shopApi, { pool, logger });
});
afterAll(async () => {
  await admin.end();
  await database.close();
  rmSync(folder, { recursive: true });
});

interface Row {
  readonly id: string;
  readonly event_id: string;
  readonly type: string;
  readonly data: string;
  readonly traceparent: string | null;
}
const outboxOf = async (key: string): Promise<Row[]> =>
  (await admin.query<Row>("select * from tideway.outbox where key = $1 order by id", [key])).rows;
const placed = (key: string, count = 1) => ({ key, data: { order: key, count } });

describe("an event is there", () => {
  test("when its transaction is committed, with its key, data and trace", async () => {
    const [key, trace] = [newId("ord"), newTrace()];
    const ids = await withTrace(trace, () =>
      tx(pool, async (t) => {
        const made = await publish(t, "placed", placed(key));
        expect(await outboxOf(key)).toEqual([]);
        return made;
      }),
    );
    const [row, ...others] = await outboxOf(key);
    expect(others).toEqual([]);
    expect(row).toMatchObject({ type: "shop.order.placed.v1" });
    expect(row?.traceparent).toContain(trace.traceId);
    expect(JSON.parse(row?.data ?? "")).toEqual({ order: key, count: 1 });
    expect(uuidToId("evt", row?.event_id ?? "")).toBe(ids[0]);
  });

  test("not when it is rolled back", async () => {
    const key = newId("ord");
    const attempt = tx(pool, async (t) => {
      await publish(t, "placed", placed(key));
      throw new Error("changed my mind");
    });
    await expect(attempt).rejects.toThrow("changed my mind");
    expect(await outboxOf(key)).toEqual([]);
  });

  test("not when its process is killed before the commit; when after it, it is", async () => {
    for (const how of ["before-commit", "after-commit"] as const) {
      const key = newId("ord");
      await publishAndKill(key, how);
      const orders = await admin.query("select from orders where id = $1", [key]);
      const expected = how === "after-commit" ? 1 : 0;
      expect([(await outboxOf(key)).length, orders.rowCount]).toEqual([expected, expected]);
    }
  });

  /** Runs the producer until it says that it is where we want it, and kills it there. */
  async function publishAndKill(key: string, how: string): Promise<void> {
    const script = fileURLToPath(new URL("test/producer.ts", import.meta.url));
    const child = spawn(process.execPath, [script, database.url, key, how], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const word = how === "before-commit" ? "published" : "committed";
    await until(() => said === word, { deadlineMs: 20_000, what: `the child has ${word}` });
    child.kill("SIGKILL");
    await ended;
    await until(
      async () =>
        (await admin.query("select from pg_stat_activity where application_name = 'producer'"))
          .rowCount === 0,
      { deadlineMs: 5_000, what: "the server has noticed" },
    );
  }
});

describe("order", () => {
  test("within a call is that of the list", async () => {
    const key = newId("ord");
    const list = Array.from({ length: 100 }, (_, count) => placed(key, count));
    const ids = await tx(pool, (t) => publish(t, "placed", list));
    const rows = await outboxOf(key);
    expect(rows.map((row) => JSON.parse(row.data).count)).toEqual(
      list.map((one) => one.data.count),
    );
    expect(rows.map((row) => uuidToId("evt", row.event_id))).toEqual(ids);
  });

  test("of a key follows the commits: who comes second waits, and gets the higher id", async () => {
    const key = newId("ord");
    const first = await pool.connect();
    await first.query("begin");
    await first.query("select tideway.publish($1, $2, $3, $4, null)", [
      [crypto.randomUUID()],
      ["shop.order.placed.v1"],
      [key],
      ['{"count":1}'],
    ]);
    const second = tx(pool, (t) => publish(t, "placed", placed(key, 2)));
    const isWaiting = async (): Promise<boolean> =>
      (await admin.query("select from pg_locks where locktype = 'advisory' and not granted"))
        .rowCount === 1;
    await until(isWaiting, { deadlineMs: 5_000, what: "the second producer waits" });
    // Somebody with another key does not.
    await tx(pool, (t) => publish(t, "placed", placed(newId("ord"))));
    await first.query("commit");
    first.release();
    await second;
    const counts = (await outboxOf(key)).map((row) => JSON.parse(row.data).count);
    expect(counts).toEqual([1, 2]);
  });

  test("of a key follows a counter that eight producers raise together", async () => {
    const key = newId("ord");
    await admin.query("create table counters (key text primary key, n int not null)");
    await admin.query("grant select, update on counters to shop_app");
    await admin.query("insert into counters values ($1, 0)", [key]);
    const produce = async (): Promise<void> => {
      for (let i = 0; i < 25; i++) {
        await tx(pool, async (t) => {
          const raised = await t.query<{ n: number }>(
            "update counters set n = n + 1 where key = $1 returning n",
            [key],
          );
          await publish(t, "placed", placed(key, raised.rows[0]?.n ?? -1));
        });
      }
    };
    await Promise.all(Array.from({ length: 8 }, produce));
    const counts = (await outboxOf(key)).map((row) => JSON.parse(row.data).count);
    expect(counts).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  });

  test("transactions that publish for the same keys in both orders all get through", async () => {
    const keys = [newId("ord"), newId("ord")];
    const both = (list: readonly string[]) =>
      tx(pool, (t) =>
        publish(
          t,
          "placed",
          list.map((key) => placed(key)),
        ),
      );
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => both(i % 2 === 0 ? keys : keys.toReversed())),
    );
    for (const key of keys) expect(await outboxOf(key)).toHaveLength(20);
  });
});

describe("what cannot be delivered is not published", () => {
  const refused = (act: Parameters<typeof tx>[1]) => tx(pool, act).catch((error: unknown) => error);

  test("data that does not match its schema, and says where", async () => {
    const wrong = { order: "a", count: 1.5 };
    expect(await refused((t) => publish(t, "placed", { key: "a", data: wrong }))).toMatchObject({
      code: "EVENT_DATA_INVALID",
      given: { path: "data/count" },
    });
  });

  test.each<[string, string]>([
    ["U+0000", "a\0b"],
    ["half a surrogate pair", "a\ud800b"],
  ])("text with %s", async (_, order) => {
    const data = { order, count: 1 };
    expect(await refused((t) => publish(t, "placed", { key: "a", data }))).toMatchObject({
      code: "EVENT_DATA_INVALID",
    });
  });

  test("names by which a parser refuses the whole batch, and data without end", async () => {
    const polluted: unknown = JSON.parse('{"order":"a","count":1,"__proto__":{"x":1}}');
    let deep: unknown = 1;
    for (let i = 0; i < 100; i++) deep = [deep];
    for (const data of [
      polluted,
      { order: "a", count: 1, deep },
      { order: "a", count: 1, n: 1n },
    ]) {
      // What a caller without types would hand over.
      const event = { key: "a", data: data as { order: string; count: number } };
      expect(await refused((t) => publish(t, "placed", event))).toMatchObject({
        code: "EVENT_DATA_INVALID",
      });
    }
  });

  test("more than 256 KiB; that much just fits", async () => {
    const key = newId("ord");
    const around = JSON.stringify({ order: "", count: 1 }).length;
    const fits = { order: "x".repeat(262_144 - around), count: 1 };
    await tx(pool, (t) => publish(t, "placed", { key, data: fits }));
    const tooLarge = { key, data: { order: `${fits.order}x`, count: 1 } };
    expect(await refused((t) => publish(t, "placed", tooLarge))).toMatchObject({
      code: "EVENT_TOO_LARGE",
      given: { bytes: 262_145, limitBytes: 262_144 },
    });
    const bytes = { key, data: { order: "€".repeat(100_000), count: 1 } };
    expect(await refused((t) => publish(t, "placed", bytes))).toMatchObject({
      code: "EVENT_TOO_LARGE",
    });
    expect(await outboxOf(key)).toHaveLength(1);
  });

  test.each(["", "x".repeat(201), "€".repeat(67), "line\nbreak", "no\uFFFE"])(
    "the key %j",
    async (key) => {
      expect(await refused((t) => publish(t, "placed", placed(key)))).toMatchObject({
        code: "EVENT_KEY_INVALID",
      });
    },
  );

  test("an event that the api does not declare", async () => {
    // What a caller without types would name.
    const name = "eaten" as "placed";
    expect(await refused((t) => publish(t, name, placed("a")))).toMatchObject({
      code: "EVENT_UNKNOWN",
    });
  });

  test("anything outside a transaction of tx", async () => {
    const client = await pool.connect();
    const key = newId("ord");
    await client.query("begin");
    await expect(publish(client, "placed", placed(key))).rejects.toThrow("under way");
    await client.query("rollback");
    client.release();
    expect(await outboxOf(key)).toEqual([]);
  });
});
