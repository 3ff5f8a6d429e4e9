/** What a service answers when its database goes away or has no connection left: try again. */
import { until } from "@tideway/kernel";
import { createPool } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openShop } from "./shop-under-test.ts";
import type { Shop } from "./shop-under-test.ts";

let shop: Shop;
let admin: Pool;
beforeAll(async () => {
  shop = await openShop();
  const url = shop.database.adminUrl;
  admin = createPool({ url, connectionsMax: 2, applicationName: "admin" });
});
afterAll(async () => {
  await admin.end();
  await shop.close();
});

/** Ends the connections that run such a statement; true once there was one. */
async function cut(statement: string): Promise<boolean> {
  const found = await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and state = 'active' and query like $1
       and pid <> pg_backend_pid()`,
    [`${statement}%`],
  );
  return (found.rowCount ?? 0) > 0;
}

test("a connection lost in the handler is told as retryable, and the retry goes on", async () => {
  shop.onBuy = async ({ isRepeat }, pool) => {
    if (!isRepeat) await pool.query("select pg_sleep(30)");
    return "done";
  };
  const lost = shop.buy("a", "k-lost-0001").catch((error: unknown) => error);
  await until(() => cut("select pg_sleep"), { deadlineMs: 5_000, what: "the statement runs" });
  expect(await lost).toMatchObject({
    code: "UPSTREAM_UNAVAILABLE",
    status: 503,
    retryable: true,
    given: { service: "shop" },
  });
  expect(shop.service.logLines.some((line) => line.includes("database.failed"))).toBe(true);
  expect(await shop.buy("a", "k-lost-0001")).toEqual({ note: "done" });
});

test("so it is on a route without keys", async () => {
  const lost = shop.service
    .as({})
    .look()
    .catch((error: unknown) => error);
  await until(() => cut("select pg_sleep"), { deadlineMs: 5_000, what: "the statement runs" });
  expect(await lost).toMatchObject({ code: "UPSTREAM_UNAVAILABLE", retryable: true });
});

test("without a free connection it is OVERLOADED, with nothing done", async () => {
  let runs = 0;
  shop.onBuy = async (_, pool) => {
    runs++;
    await pool.query("select pg_sleep(30)");
    return "done";
  };
  // Ten connections are all that the service has.
  const holding = Array.from({ length: 10 }, (_, i) =>
    shop.buy("a", `k-hold-${i}00`).catch(() => undefined),
  );
  await expect.poll(() => runs).toBe(10);
  await expect(shop.buy("a", "k-late-0001")).rejects.toMatchObject({
    code: "OVERLOADED",
    status: 503,
    retryable: true,
  });
  expect(runs).toBe(10);
  await cut("select pg_sleep");
  await Promise.all(holding);
});
