/** Waking the relay, and refusing new work while it is behind. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId, until } from "@tideway/kernel";
import { createPool, tx } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { createLogger, createMetrics } from "@tideway/telemetry";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NOTIFY_EVERY_MS, NOTIFY_EVERY_MS_MAX, OUTBOX_CHANNEL, createPublisher } from "./index.ts";
import type { Publish } from "./index.ts";
import { shopApi } from "./test/shop-api.ts";

const logger = createLogger({ service: "shop", destination: { write: () => {} } });
let database: TestDatabase;
let pool: Pool;
let admin: Pool;
let publish: Publish<typeof shopApi>;
let folder: string;
const metrics = createMetrics("shop");
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tw-shop-"));
  writeFileSync(join(folder, "0001_none.sql"), "select 1;");
  database = await testDatabase({ service: "shop", migrations: folder });
  pool = database.pool;
  admin = createPool({ url: database.adminUrl, connectionsMax: 2, applicationName: "admin" });
  publish = createPublisher(shopApi, { pool, logger, metrics });
});
afterAll(async () => {
  await admin.end();
  await database.close();
  rmSync(folder, { recursive: true });
});
const order = () => {
  const key = newId("ord");
  return { key, data: { order: key } };
};

describe("a wake-up", () => {
  let listener: Client;
  const heardAtMs: number[] = [];
  beforeAll(async () => {
    listener = new Client({ connectionString: database.url });
    await listener.connect();
    await listener.query(`listen ${OUTBOX_CHANNEL}`);
    listener.on("notification", () => heardAtMs.push(performance.now()));
  });
  afterAll(() => listener.end());

  test("follows a commit at once, when the event can be read", async () => {
    heardAtMs.length = 0;
    const event = order();
    const seen = new Promise<number>((resolve, reject) => {
      listener.once("notification", () => {
        admin
          .query("select from tideway.outbox where key = $1", [event.key])
          .then((found) => resolve(found.rowCount ?? 0), reject);
      });
    });
    await tx(pool, (t) => publish(t, "paid", event));
    expect(await seen).toBe(1);
  });

  test("does not follow a rollback", async () => {
    // One connection works off its statements in order, so a wake-up would come before the end.
    const one = createPool({ url: database.url, connectionsMax: 1, applicationName: "one" });
    const publishOnce = createPublisher(shopApi, { pool: one, logger });
    const payloads: (string | undefined)[] = [];
    const other = new Client({ connectionString: database.url });
    await other.connect();
    await other.query(`listen ${OUTBOX_CHANNEL}`);
    other.on("notification", ({ payload }) => payloads.push(payload));
    await tx(one, async (t) => {
      await publishOnce(t, "paid", order());
      throw new Error("changed my mind");
    }).catch(() => {});
    await one.query(`notify ${OUTBOX_CHANNEL}, 'end'`);
    await until(() => payloads.includes("end"), { deadlineMs: 5_000, what: "the end is heard" });
    expect(payloads).toEqual(["end"]);
    await Promise.all([one.end(), other.end()]);
  });

  test("comes at most every 10 ms however much is published, and after the last one", async () => {
    heardAtMs.length = 0;
    const startedAtMs = performance.now();
    const one = async (): Promise<void> => {
      for (let i = 0; i < 40; i++) await tx(pool, (t) => publish(t, "paid", order()));
    };
    await Promise.all(Array.from({ length: 5 }, one));
    const publishedAtMs = performance.now();
    await until(() => (heardAtMs.at(-1) ?? 0) > publishedAtMs - NOTIFY_EVERY_MS_MAX, {
      deadlineMs: 5_000,
      what: "the last commits are told of",
    });
    const mostEver = (performance.now() - startedAtMs) / NOTIFY_EVERY_MS + 1;
    expect(heardAtMs.length).toBeGreaterThan(0);
    expect(heardAtMs.length).toBeLessThanOrEqual(mostEver);
    expect(heardAtMs.length).toBeLessThan(200);
  });

  test("comes every 40 ms while commits keep coming, and after a pause within 10 ms again", async () => {
    const gaps = (): number[] => heardAtMs.slice(1).map((at, i) => at - (heardAtMs[i] ?? 0));
    const often = async (wakeUps: number): Promise<void> => {
      heardAtMs.length = 0;
      await until(
        async () => {
          await tx(pool, (t) => publish(t, "paid", order()));
          return heardAtMs.length >= wakeUps;
        },
        { deadlineMs: 20_000, intervalMs: 1, what: `${wakeUps} wake-ups` },
      );
    };
    for (let round = 0; round < 2; round++) {
      await often(20);
      // The first three pauses double; a busy machine makes them longer, never shorter.
      expect(
        gaps()
          .slice(5)
          .sort((a, b) => a - b)[3],
      ).toBeGreaterThan(NOTIFY_EVERY_MS_MAX * 0.75);
      // Nothing for longer than the longest pause; then two commits a moment apart.
      await new Promise((resolve) => setTimeout(resolve, 3 * NOTIFY_EVERY_MS_MAX));
      const quickest = await until(
        async () => {
          await often(2);
          const [gap = Infinity] = gaps();
          await new Promise((resolve) => setTimeout(resolve, 3 * NOTIFY_EVERY_MS_MAX));
          return gap < NOTIFY_EVERY_MS_MAX * 0.75 && gap;
        },
        { deadlineMs: 20_000, what: "a short pause" },
      );
      expect(quickest).toBeGreaterThan(NOTIFY_EVERY_MS * 0.75);
    }
  });

  test("that fails does not fail the business, and is told", async () => {
    const lines: string[] = [];
    const ended = createPool({ url: database.url, connectionsMax: 1, applicationName: "ended" });
    await ended.end();
    const destination = { write: (line: string) => void lines.push(line) };
    const debugging = createLogger({ service: "shop", level: "debug", destination });
    const publishDeaf = createPublisher(shopApi, { pool: ended, logger: debugging });
    const events = [order(), order()];
    for (const event of events) {
      await tx(pool, (t) => publishDeaf(t, "paid", event));
      await until(() => lines.filter((line) => line.includes("events.notify-failed")).length > 0, {
        deadlineMs: 5_000,
        what: "it is told",
      });
      lines.length = 0;
    }
    const found = await admin.query("select from tideway.outbox where key = any($1)", [
      events.map(({ key }) => key),
    ]);
    expect(found.rowCount).toBe(2);
  });
});

describe("backpressure", () => {
  const age = (seconds: number) =>
    admin.query("update tideway.outbox set at = clock_timestamp() - make_interval(secs => $1)", [
      seconds,
    ]);
  const tryAll = async (): Promise<readonly string[]> => {
    const codes: string[] = [];
    const key = newId("ord");
    for (const act of [
      () => tx(pool, (t) => publish(t, "paid", { key, data: { order: key } })),
      () => tx(pool, (t) => publish(t, "placed", { key, data: { order: key, count: 1 } })),
      () => tx(pool, (t) => publish(t, "viewed", { key, data: { page: key } })),
    ]) {
      const error: unknown = await act().then(
        () => null,
        (reason: unknown) => reason,
      );
      codes.push(error instanceof Error ? String(Reflect.get(error, "code")) : "ok");
    }
    return codes;
  };
  const untilCodes = (wanted: readonly string[]) =>
    until(async () => (await tryAll()).join() === wanted.join(), {
      deadlineMs: 10_000,
      intervalMs: 100,
      what: `publishing answers ${wanted.join()}`,
    });

  test("refuses bulk first, then normal, critical never, and ends by itself", async () => {
    await admin.query("delete from tideway.outbox");
    await untilCodes(["ok", "ok", "ok"]);
    await age(20);
    await untilCodes(["ok", "ok", "EVENTS_BACKLOGGED"]);
    await age(61);
    await untilCodes(["ok", "EVENTS_BACKLOGGED", "EVENTS_BACKLOGGED"]);
    const text = await metrics.registry.metrics();
    expect(text).toMatch(/tideway_shop_outbox_age_seconds\S* 6\d/);
    await admin.query("delete from tideway.outbox");
    await untilCodes(["ok", "ok", "ok"]);
  });

  test("is told as retryable, and nothing of the transaction stays", async () => {
    await tx(pool, (t) => publish(t, "paid", order()));
    await age(100);
    const refused = await until(
      async () => {
        const key = newId("ord");
        const error: unknown = await tx(pool, async (t) => {
          await publish(t, "paid", { key, data: { order: key } });
          await publish(t, "viewed", { key, data: { page: key } });
        }).catch((reason: unknown) => reason);
        const found = await admin.query("select from tideway.outbox where key = $1", [key]);
        await age(100);
        return error instanceof Error && { error, rows: found.rowCount };
      },
      { deadlineMs: 10_000, intervalMs: 100, what: "bulk is refused" },
    );
    expect(refused.rows).toBe(0);
    expect(refused.error).toMatchObject({
      code: "EVENTS_BACKLOGGED",
      definition: { status: 503, retryable: true },
    });
  });
});
