/** What operators and control see of the bus, and how urgent a delivery says it is. */
import { until } from "@tideway/kernel";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { busAdmin } from "../admin-client.ts";
import type { BusConfig } from "../config.ts";
import { natsCarrier } from "../nats/nats-carrier.ts";
import { startNats } from "../nats/test/nats-server-under-test.ts";
import { LOOSE, TYPE, configOf, databaseOf, startWorld } from "./bus-under-test.ts";
import type { World } from "./bus-under-test.ts";

const DEADLINE = { deadlineMs: 15_000 } as const;
/** Published, and consumed by nobody. */
const OTHER = "shop.order.other.v1";

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(async () => {
  expect(world.upstream.problems).toEqual([]);
  await world.close();
});

const configure = (epoch: number): BusConfig =>
  configOf(epoch, ["books-1"], databaseOf(world.producer));
const appliedAll = (count: number): Promise<unknown> =>
  until(() => world.upstream.applied.length >= count, { ...DEADLINE, what: `${count} applied` });
const keysOf = (count: number, name = "k"): string[] =>
  Array.from({ length: count }, (_, i) => `${name}-${i}`);

test("a delivery is as urgent as its most urgent event's class", async () => {
  const config = configure(1);
  const [shop, books] = config.services;
  if (shop === undefined || books === undefined) throw new Error("The test has two services.");
  const emits = [
    { type: TYPE, shedding: "critical" },
    { type: LOOSE, shedding: "bulk" },
  ] as const;
  const revisions = shop.revisions.map((one) => ({ ...one, emits }));
  const bus = await world.start();
  await bus.configure({ ...config, services: [{ ...shop, revisions }, books] });
  await world.publish(["one"], { type: TYPE });
  await appliedAll(1);
  await world.publish(["two"], { type: LOOSE });
  await appliedAll(2);
  // Both kinds of one key wait while a delivery is under way, and then go together.
  const held = Promise.withResolvers<void>();
  world.upstream.hold = { revision: "books-1", until: held.promise };
  await world.publish(["mixed"], { type: LOOSE });
  await until(() => bus.groups()[0]?.inFlight === 1, { ...DEADLINE, what: "it is in flight" });
  await world.publish(["mixed", "mixed"], { type: LOOSE });
  await world.publish(["mixed"], { type: TYPE });
  await until(() => bus.groups()[0]?.lag === 4, { ...DEADLINE, what: "all are in the log" });
  held.resolve();
  await appliedAll(6);
  const seen = world.upstream.requests.map(({ priority, types }) => [priority, ...types]);
  expect(seen).toEqual([
    ["u=1", TYPE],
    ["u=7", LOOSE],
    ["u=7", LOOSE],
    ["u=1", LOOSE, LOOSE, TYPE],
  ]);
  // A type that nobody declares any more is like any other.
  await bus.configure({ ...config, epoch: 2 });
  await world.publish(["one"], { type: TYPE });
  await appliedAll(7);
  expect(world.upstream.requests.at(-1)?.priority).toBe("u=3");
});

test("lag counts all that waits, unread and parked, and nothing that nobody consumes", async () => {
  const tuning = { windowEventsMax: 10, readEventsMax: 5, suspendLanesMin: 1_000 };
  const bus = await world.start({ tuning: { ...tuning, tryDelaysMs: [] } });
  await bus.configure(configure(1));
  world.upstream.status = 503;
  // More than the windows of all partitions hold, in two types of which one counts.
  await world.publish(keysOf(200));
  await world.publish(keysOf(200), { type: OTHER });
  const logged = async (): Promise<number> => {
    const found = await bus.pool.query<{ n: number }>("select count(*)::int as n from log");
    return found.rows[0]?.n ?? 0;
  };
  await until(async () => (await logged()) === 400, { ...DEADLINE, what: "all are in the log" });
  const view = async () => (await bus.countedGroups())[0];
  await until(async () => (await view())?.lag === 200, { ...DEADLINE, what: "200 wait" });
  expect((await view())?.lagIsApproximate).toBeUndefined();
  // Published long before: moments before now are older.
  const age = (await view())?.lagAgeMs ?? 0;
  expect(age).toBeGreaterThan(0);
  world.upstream.judge = ({ partitionkey }) => (partitionkey === "bad" ? "BROKEN" : null);
  world.upstream.status = null;
  await appliedAll(200);
  await world.publish(["bad", "bad", "bad"]);
  await until(async () => (await view())?.lag === 3 && (await view())?.keysQuarantined === 1, {
    ...DEADLINE,
    what: "three wait behind the quarantined key",
  });
  const before = (await view())?.lagAgeMs ?? 0;
  await until(async () => ((await view())?.lagAgeMs ?? 0) >= before + 50, {
    ...DEADLINE,
    what: "what is parked grows older",
  });
  expect(await bus.metricsText()).toMatch(/^tideway_bus_lag_events\{[^}]*group="books"[^}]*\} 3$/m);
});

test("a service that goes is gone at once, and back again goes on where it was", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tw-sock-"));
  const adminSocket = join(folder, "bus.sock");
  const bus = await world.start({ adminSocket });
  const admin = busAdmin(adminSocket);
  const config = configure(1);
  await admin.putConfig(config);
  const held = Promise.withResolvers<void>();
  world.upstream.hold = { revision: "books-1", until: held.promise };
  await world.publish(["slow"], { from: 1 });
  await until(() => bus.groups()[0]?.inFlight === 1, { ...DEADLINE, what: "it is in flight" });
  const startedAtMs = performance.now();
  await admin.putConfig({ epoch: 2, services: config.services.slice(0, 1) });
  expect(await admin.groups()).toEqual([]);
  // Back while the delivery of before is still under way: its key waits for that one.
  await admin.putConfig({ ...config, epoch: 3 });
  expect(performance.now() - startedAtMs).toBeLessThan(5_000);
  await world.publish(["slow"], { from: 2 });
  await until(async () => (await admin.events({ key: "slow" })).items.length === 2, {
    ...DEADLINE,
    what: "the second one is in the log",
  });
  expect(world.upstream.requests).toEqual([]);
  held.resolve();
  await appliedAll(2);
  expect(world.upstream.applied.map(({ event }) => event.data.n)).toEqual([1, 2]);
  admin.close();
  await bus.close();
  rmSync(folder, { recursive: true, force: true });
});

test("durability is told once, and by health and metrics for as long as it runs", async () => {
  const nats = await startNats();
  try {
    const { logger } = world.options();
    const options = { servers: nats.url, prefix: "told", logger };
    const bus = await world.start({ carrier: () => natsCarrier(options) });
    await bus.configure(configure(1));
    const { durability } = bus.health();
    expect(durability.isDurable).toBe(false);
    expect(durability.sentence).toContain("may be lost by a loss of power");
    expect(await bus.metricsText()).toMatch(/^tideway_bus_durable\{[^}]*\} 0$/m);
    const lines = world.logLines.filter((line) => line.includes('"bus.durability"'));
    expect(lines).toHaveLength(1);
    await bus.close();
  } finally {
    await nats.close();
  }
});
