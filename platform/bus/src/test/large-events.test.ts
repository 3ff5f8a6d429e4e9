/** Large events: what is asked of the databases at a time is bounded by bytes, not only by rows. */
import { idToUuid, newId, until } from "@tideway/kernel";
import type { Pool } from "@tideway/store";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Carrier, OutboxEvent, StoredEvent } from "../carrier.ts";
import { DELIVERY_DEFAULTS } from "../machine/delivery-types.ts";
import { CLAIM_BYTES_MAX, CLAIM_ROWS_MAX } from "../machine/relay.ts";
import { APPEND_BYTES_MAX, appendQueue } from "../relay/append-queue.ts";
import { outboxSource } from "../relay/outbox-source.ts";
import { openBusPool, postgresCarrier } from "../postgres-carrier.ts";
import { TYPE, configOf, databaseOf, startWorld } from "./bus-under-test.ts";
import type { World } from "./bus-under-test.ts";

const EVENT_BYTES = 250_000;
const EVENTS = 60;
const DEADLINE = { deadlineMs: 30_000 } as const;

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

function bytesOf(events: readonly { readonly data: string }[]): number {
  return events.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0);
}

async function publishLarge(): Promise<void> {
  const pad = "x".repeat(EVENT_BYTES - 20);
  const turns = Array.from({ length: EVENTS }, (_, n) => n);
  await world.producer.pool.query("select tideway.publish($1, $2, $3, $4, null)", [
    turns.map(() => idToUuid("evt", newId("evt"))),
    turns.map(() => TYPE),
    turns.map(() => "one-key"),
    turns.map((n) => JSON.stringify({ n, pad })),
  ]);
}

test("a claim ends with the row that reaches its bytes, and the next goes on behind it", async () => {
  await publishLarge();
  const url = new URL(world.relayUrl);
  url.pathname = databaseOf(world.producer);
  const source = outboxSource({ url: url.href, service: "shop", onNudge: () => {} });
  let claimed = 0;
  for (;;) {
    const rows = await source.claim(CLAIM_ROWS_MAX, CLAIM_BYTES_MAX);
    if (rows.length === 0) break;
    const events = rows.map(({ event }) => event);
    expect(bytesOf(events.slice(0, -1))).toBeLessThan(CLAIM_BYTES_MAX);
    // JSON of the test's own making.
    expect((JSON.parse(events[0]?.data ?? "") as { n: number }).n).toBe(claimed);
    claimed += rows.length;
    await source.delete(rows.map(({ id }) => id));
  }
  await source.close();
  expect(claimed).toBe(EVENTS);
});

test("appends that wait together are joined up to their bytes", async () => {
  const sizes: number[] = [];
  const places = (events: readonly OutboxEvent[]): StoredEvent[] =>
    events.map((event, index) => ({ ...event, partition: 0, offset: index + 1 }));
  const append = appendQueue({
    append: async (events) => {
      sizes.push(bytesOf(events));
      return Promise.resolve(places(events));
    },
  });
  const plain = { source: "/services/shop", type: TYPE, key: "k", traceparent: null };
  const data = "x".repeat(3 * 1_048_576);
  const one = { ...plain, eventId: "e", data, at: "2026-01-01T00:00:00.000Z" };
  await Promise.all(Array.from({ length: 9 }, () => append([one])));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(9 * data.length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(APPEND_BYTES_MAX);
  // The first goes at once; the others two by two.
  expect(sizes).toHaveLength(5);
});

test("after a restart pages and window are bounded by bytes, and all is delivered", async () => {
  world.upstream.status = 503;
  const first = await world.start();
  await first.configure(configOf(1, ["books-1"], databaseOf(world.producer)));
  await publishLarge();
  await world.producer.pool.query("notify tideway_outbox");
  await until(async () => (await countOutbox()) === 0, { ...DEADLINE, what: "all is in the log" });
  await first.close();
  const pages: { readonly bytesMax: number | undefined; readonly bytes: number }[] = [];
  const pool = openBusPool(world.busUrl);
  await world.start({ carrier: () => watchedCarrier(pool, (page) => pages.push(page)) });
  const { readBytesMax, windowBytesMax } = DELIVERY_DEFAULTS;
  const readBytes = (): number => pages.reduce((sum, { bytes }) => sum + bytes, 0);
  const room = windowBytesMax - EVENT_BYTES;
  await until(() => readBytes() >= room, { ...DEADLINE, what: "the window is full" });
  const { length } = world.upstream.requests;
  // It is tried again and again, and meanwhile nothing more is read.
  const isTriedAgain = (): boolean => world.upstream.requests.length > length + 2;
  await until(isTriedAgain, { ...DEADLINE, what: "it was tried again" });
  expect(readBytes()).toBeLessThan(windowBytesMax + readBytesMax + 2 * EVENT_BYTES);
  world.upstream.status = null;
  const isDone = (): boolean => world.upstream.applied.length === EVENTS;
  await until(isDone, { ...DEADLINE, what: "all is applied" });
  expect(world.upstream.applied.map(({ event }) => event.data.n)).toEqual(
    Array.from({ length: EVENTS }, (_, n) => n),
  );
  for (const { bytesMax, bytes } of pages) {
    expect(bytesMax).toBe(readBytesMax);
    expect(bytes).toBeLessThan(readBytesMax + EVENT_BYTES);
  }
  await pool.end();
});

async function countOutbox(): Promise<number> {
  const { rows } = await world.producer.pool.query<{ count: string }>(
    "select count(*) from tideway.outbox",
  );
  return Number(rows[0]?.count);
}

/** The log in PostgreSQL, telling of each page that is read from it. */
async function watchedCarrier(
  pool: Pool,
  tell: (page: { readonly bytesMax: number | undefined; readonly bytes: number }) => void,
): Promise<Carrier> {
  const { rows } = await pool.query<{ fence: string }>("select fence from writer");
  const carrier = await postgresCarrier({ pool, fence: BigInt(rows[0]?.fence ?? 0) });
  return {
    ...carrier,
    read: async (partition, after, limit, bytesMax) => {
      const page = await carrier.read(partition, after, limit, bytesMax);
      tell({ bytesMax, bytes: bytesOf(page) });
      return page;
    },
  };
}
