/** The whole bus on real databases and a real HTTP upstream: what its semantics promise. */
import { until } from "@tideway/kernel";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Bus } from "./bus.ts";
import { LOOSE, configOf, databaseOf, startWorld } from "./test/bus-under-test.ts";
import type { World } from "./test/bus-under-test.ts";

let world: World;
let bus: Bus;
const DEADLINE = { deadlineMs: 15_000 } as const;

beforeEach(async () => {
  world = await startWorld();
  bus = await world.start();
  await bus.configure(configOf(1, ["books-1"], databaseOf(world.producer)));
});
afterEach(async () => {
  expect(world.upstream.problems).toEqual([]);
  await world.close();
});

const applied = (): number => world.upstream.applied.length;
const appliedAll = (count: number): Promise<unknown> =>
  until(() => applied() >= count, { ...DEADLINE, what: `${count} events are applied` });

/** The numbers that each key got, in the order of their effects. */
function orderOf(key: string): number[] {
  return world.upstream.applied
    .filter(({ event }) => event.partitionkey === key)
    .map(({ event }) => event.data.n);
}

test("every committed event is applied once, in the order of its key", async () => {
  const keys = Array.from({ length: 300 }, (_, i) => `key-${i % 30}`);
  await world.publish(keys);
  await appliedAll(300);
  expect(applied()).toBe(300);
  for (let k = 0; k < 30; k++) {
    expect(orderOf(`key-${k}`)).toEqual(Array.from({ length: 10 }, (_, i) => k + 30 * i));
  }
  await until(async () => (await outboxRows()) === 0, { ...DEADLINE, what: "the outbox is empty" });
});

async function outboxRows(): Promise<number> {
  const { rows } = await world.producer.pool.query<{ count: number }>(
    "select count(*)::int as count from tideway.outbox",
  );
  return rows[0]?.count ?? -1;
}

test("a poisoned event stops its key alone, is quarantined, and redriven in order", async () => {
  world.upstream.judge = ({ partitionkey, data }) =>
    partitionkey === "bad" && data.n === 1 ? "AMOUNT_WRONG" : null;
  await bus.close();
  bus = await world.start({ tuning: { tryDelaysMs: [20, 20] } });
  await world.publish(["bad", "bad", "bad", "good-1", "good-2", "good-3", "good-4", "good-5"]);
  await appliedAll(6);
  const quarantined = () => bus.keys("books", { state: "quarantined", after: "", limit: 10 });
  await until(async () => (await quarantined()).items.length === 1, {
    ...DEADLINE,
    what: "the key is quarantined",
  });
  const [view] = (await quarantined()).items;
  expect(view).toMatchObject({ key: "bad", tries: 3, code: "AMOUNT_WRONG", waiting: 2 });
  await world.publish(["bad", "good-1"], { from: 10 });
  await until(() => orderOf("good-1").includes(11), { ...DEADLINE, what: "other keys flow" });
  expect(orderOf("bad")).toEqual([0]);
  world.upstream.judge = () => null;
  expect(await bus.redrive("books", "bad")).toBe(1);
  await until(() => orderOf("bad").length === 4, { ...DEADLINE, what: "the key is redriven" });
  expect(orderOf("bad")).toEqual([0, 1, 2, 10]);
  await until(
    async () => (await bus.keys("books", { state: null, after: "", limit: 10 })).items.length === 0,
    { ...DEADLINE, what: "nothing is in trouble" },
  );
  await world.publish(["bad"], { from: 20 });
  await until(() => orderOf("bad").includes(20), { ...DEADLINE, what: "the key flows again" });
});

test("an event whose order does not matter is quarantined by itself", async () => {
  world.upstream.judge = ({ data }) => (data.n === 0 ? "BROKEN" : null);
  await bus.close();
  bus = await world.start({ tuning: { tryDelaysMs: [] } });
  await world.publish(["same", "same", "same"], { type: LOOSE });
  await until(() => orderOf("same").length === 2, { ...DEADLINE, what: "the others are applied" });
  expect(orderOf("same")).toEqual([1, 2]);
  await until(() => bus.groups()[0]?.keysQuarantined === 1, { ...DEADLINE, what: "quarantine" });
});

test("the bus that takes over goes on from the database, and nothing has two effects", async () => {
  await world.publish(Array.from({ length: 50 }, (_, i) => `k-${i}`));
  await appliedAll(50);
  const second = await world.start();
  await until(() => bus.lost.aborted, { ...DEADLINE, what: "the first bus is fenced" });
  expect(second.fence).toBeGreaterThan(bus.fence);
  await world.publish(
    Array.from({ length: 50 }, (_, i) => `k-${i}`),
    { from: 100 },
  );
  await appliedAll(100);
  expect(applied()).toBe(100);
  const offsets = (await second.events({ type: null, key: "k-1", after: null, limit: 10 })).items;
  expect(offsets.map(({ key }) => key)).toEqual(["k-1", "k-1"]);
});

test("a minute's outage quarantines nothing, and all is delivered after it", async () => {
  await bus.close();
  bus = await world.start({ clock: world.clock });
  world.upstream.status = 503;
  await world.publish(Array.from({ length: 400 }, (_, i) => `k-${i % 40}`));
  const endsAtMs = world.clock.now() + 60_000;
  await until(
    () => {
      world.clock.advance(500);
      return world.clock.now() > endsAtMs;
    },
    { ...DEADLINE, intervalMs: 10, what: "a minute passes" },
  );
  expect(world.upstream.requests.some(({ status }) => status === 503)).toBe(true);
  expect((await bus.keys("books", { state: null, after: "", limit: 10 })).items).toEqual([]);
  world.upstream.status = null;
  await until(
    () => {
      world.clock.advance(500);
      return applied() === 400;
    },
    { ...DEADLINE, what: "everything is delivered" },
  );
  expect(bus.groups()[0]).toMatchObject({ keysQuarantined: 0, failedTotal: 0, state: "running" });
});

test("when most keys fail the group is suspended, without tries, until it recovers", async () => {
  world.upstream.judge = () => "BUG";
  await bus.close();
  bus = await world.start({ tuning: { probeMs: { baseMs: 20, maxMs: 50 } } });
  await world.publish(Array.from({ length: 100 }, (_, i) => `k-${i}`));
  await until(() => bus.groups()[0]?.state === "suspended", { ...DEADLINE, what: "suspension" });
  expect(bus.groups()[0]?.reason).toMatch(/books-1 failed \d+ of \d+ keys; last BUG/);
  // What the other partitions had under way at that moment may still arrive: one batch each.
  const before = world.upstream.requests.length;
  await until(() => world.upstream.requests.length > before + 8 + 5, {
    ...DEADLINE,
    what: "probes",
  });
  const probes = world.upstream.requests.slice(-5);
  expect(Math.max(...probes.map(({ events }) => events))).toBeLessThanOrEqual(10);
  expect(bus.groups()[0]?.keysQuarantined).toBe(0);
  world.upstream.judge = () => null;
  await appliedAll(100);
  await until(() => bus.groups()[0]?.state === "running", { ...DEADLINE, what: "it resumes" });
});
