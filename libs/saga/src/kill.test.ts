/**
 * A real process killed with -9 while it is in the middle of many sagas, each of them stopped at
 * another place: before or after the effect of each call and each undo, and within a transaction.
 * Its successor carries all of them to their ends.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { newId, until } from "@tideway/kernel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LEASE_MS } from "./machine/lease.ts";
import { sagaIdOf } from "./start-saga.ts";
import { CLOSE_LOCK } from "./test/order-saga.ts";
import { startShop } from "./test/shop.ts";
import type { Shop } from "./test/shop.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop.close());

/** Beyond the dead one's leases, which end 5 s after its death at the latest: 6 s in all. */
const RECOVERED_AFTER_LEASE_MS = 1_000;
/** Orders of the last kind are refused at their pivot, and die in an undo. */
const PLACES = [
  ...["stock", "label", "ship", "sell"].flatMap((what) => [`before ${what}`, `after ${what}`]),
  ...["undo-label", "undo-stock"].flatMap((what) => [`before ${what}`, `after ${what}`]),
  "within close",
];

test("whatever a killed process was at is carried on within 6 s, and nothing is done twice", async () => {
  const orders = new Map(PLACES.map((place) => [newId("ord"), place]));
  const stuck = new Set<string>();
  let isDead = false;
  const forever = Promise.withResolvers<"fail">();
  shop.participants.fault = async ({ what, id }) => {
    const place = orders.get(id) ?? "";
    if (what === "ship" && place.includes("undo-")) return "refuse";
    if (isDead || !place.endsWith(` ${what}`)) return "none";
    stuck.add(id);
    if (place.startsWith("before")) return forever.promise;
    // It happens now; its answer goes to nobody.
    await killed.promise;
    return "none";
  };
  const killed = Promise.withResolvers<void>();
  // How long as many sagas take that nobody disturbs: the test must not depend on how busy the machine
  // is with other things.
  const calm = await shop.instance({ pollEveryMs: 100 });
  const calmFromMs = performance.now();
  const undisturbed = await Promise.all(PLACES.map(() => shop.order(calm, newId("ord"))));
  for (const saga of undisturbed) await calm.wait(saga, 10_000);
  const calmMs = performance.now() - calmFromMs;
  await calm.stop();
  // It stands by from the beginning, as other instances do.
  const successor = await shop.instance({ pollEveryMs: 100 });
  const holder = await shop.admin.connect();
  await holder.query("select pg_advisory_lock($1)", [CLOSE_LOCK]);
  const child = spawn(
    process.execPath,
    [
      fileURLToPath(new URL("test/worker-process.ts", import.meta.url)),
      shop.database.url,
      shop.participants.url,
      "ins_dies",
      [...orders.keys()].join(","),
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  try {
    const within = PLACES.length - 1;
    await until(() => stuck.size === within && waitsForLock(), {
      deadlineMs: 20_000,
      what: "each saga is at its place",
    });
    child.kill("SIGKILL");
    await once(child, "exit");
  } finally {
    child.kill("SIGKILL");
    await holder.query("select pg_advisory_unlock($1)", [CLOSE_LOCK]);
    holder.release();
  }
  const killedAt = await shop.admin.query<{ now: Date; leaseLeftMs: number }>(
    `select clock_timestamp() as now,
       (extract(epoch from max(lease_until) - clock_timestamp()) * 1000)::float8 as "leaseLeftMs"
     from tideway.sagas`,
  );
  isDead = true;
  killed.resolve();
  for (const [order, place] of orders) {
    const view = await successor.wait(await sagaIdOf("order", order), 10_000);
    const isBack = place.includes("undo-");
    expect([place, view.state]).toEqual([place, isBack ? "compensated" : "completed"]);
    const done = ["stock", "label", "ship", "sell"].filter((what) =>
      shop.participants.done.has(`${what} ${order}`),
    );
    expect([place, done]).toEqual([place, isBack ? [] : ["stock", "label", "ship", "sell"]]);
    const row = await shop.admin.query<{ state: string; writes: number }>(
      "select state, writes from orders where order_id = $1",
      [order],
    );
    expect(row.rows).toEqual([{ state: isBack ? "undone REFUSED" : "closed", writes: 2 }]);
  }
  for (const times of shop.participants.times.values()) expect(times).toBe(1);
  const keys = Map.groupBy(shop.participants.calls, ({ what, id }) => `${what} ${id}`);
  for (const calls of keys.values()) expect(new Set(calls.map(({ key }) => key)).size).toBe(1);
  const last = await shop.admin.query<{ at: Date }>(
    "select max(updated_at) as at from tideway.sagas",
  );
  const recoveredMs = (last.rows[0]?.at.getTime() ?? 0) - (killedAt.rows[0]?.now.getTime() ?? 0);
  const leaseLeftMs = killedAt.rows[0]?.leaseLeftMs ?? 0;
  expect(leaseLeftMs).toBeGreaterThan(0);
  expect(leaseLeftMs).toBeLessThanOrEqual(LEASE_MS);
  expect(recoveredMs - leaseLeftMs).toBeLessThan(RECOVERED_AFTER_LEASE_MS + 2 * calmMs);
  forever.resolve("fail");
});

async function waitsForLock(): Promise<boolean> {
  const found = await shop.admin.query(
    `select 1 from pg_stat_activity
     where application_name = 'ins_dies' and wait_event_type = 'Lock'
       and query like '%pg_advisory_xact_lock_shared%'`,
  );
  return (found.rowCount ?? 0) > 0;
}
