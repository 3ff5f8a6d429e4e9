/** A consumer that publishes while its own outbox waits too long: that is nobody's failed try. */
import { newId, until } from "@tideway/kernel";
import { tx } from "@tideway/store";
import { createLogger } from "@tideway/telemetry";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPublisher } from "../index.ts";
import { openStock, order, stockApi } from "./stock-under-test.ts";
import type { Stock } from "./stock-under-test.ts";

let stock: Stock;
beforeAll(async () => {
  stock = await openStock();
});
afterAll(() => stock.close());

test("an event whose handler may not publish just now waits, and is blamed for nothing", async () => {
  const { pool } = stock.database;
  const logger = createLogger({ service: "stock", destination: { write: () => {} } });
  const publish = createPublisher(stockApi, { pool, logger });
  const tell = (key: string) => ({ key, data: { order: key } });
  stock.onPlaced = (t, { key }) => publish(t, "taken", tell(key));
  await stock.admin.query(
    `insert into tideway.outbox (event_id, type, key, data, at)
     values (gen_random_uuid(), 'stock.item.taken.v1', 'old', '{"order":"old"}',
       clock_timestamp() - interval '10 minutes')`,
  );
  const isRefused = (): Promise<boolean> =>
    tx(pool, (t) => publish(t, "taken", tell(newId("k0")))).then(
      () => false,
      () => true,
    );
  await until(isRefused, { deadlineMs: 10_000, what: "the backlog is noticed" });
  const events = [order(newId("k0")), order(newId("k0"))];
  expect(await stock.deliver(events)).toMatchObject({
    status: 503,
    code: "EVENTS_BACKLOGGED",
    outcomes: [],
    failedHeader: null,
  });
  expect(await stock.known(events)).toBe(0);

  await stock.admin.query("delete from tideway.outbox");
  const isTaken = async (): Promise<boolean> => !(await isRefused());
  await until(isTaken, { deadlineMs: 10_000, what: "the relay has caught up" });
  expect((await stock.deliver(events)).outcomes).toEqual(["applied", "applied"]);
});
