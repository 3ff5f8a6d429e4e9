/**
 * The whole way: PostgreSQL, the bus, the gateway as it is, instances with libs/events. Whatever is
 * released, killed, overtaken or away meanwhile, each event has one effect, in its key's order.
 */
import { until } from "@tideway/kernel";
import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Bus } from "../bus.ts";
import { configOf, databaseOf, startWorld } from "./bus-under-test.ts";
import type { World } from "./bus-under-test.ts";
import { startRealConsumer } from "./real-consumer.ts";
import type { RealConsumer } from "./real-consumer.ts";
import { SECRET } from "./upstream.ts";

const DEADLINE = { deadlineMs: 60_000, intervalMs: 50 } as const;
const AWAY_MS = 4_000;
const keys = Array.from({ length: 200 }, (_, i) => `customer-${i}`);

let world: World;
let consumer: RealConsumer;
let bus: Bus;
let rounds = 0;
beforeEach(async () => {
  rounds = 0;
  world = await startWorld();
  consumer = await startRealConsumer(SECRET);
  bus = await startBus();
  await bus.configure(configOf(1, ["books-1", "books-2"], databaseOf(world.producer)));
});
afterEach(async () => {
  await world.close();
  await consumer.close();
});

function startBus(): Promise<Bus> {
  const { gateway, internalUrl } = consumer;
  return world.start({ internalUrl, splits: () => Promise.resolve(gateway.splits()) });
}

/** One event a key; the numbers of a key grow with the rounds. */
async function publishRound(): Promise<void> {
  rounds++;
  await world.publish(keys, { from: rounds * 1_000 });
}

/** All that was published has an effect. */
function allApplied(): Promise<unknown> {
  const isDone = async () => new Set((await consumer.effects()).map(({ event }) => event)).size;
  const wanted = rounds * keys.length;
  return until(async () => (await isDone()) === wanted, {
    ...DEADLINE,
    what: `${wanted} events are applied`,
  });
}

async function expectOnceAndInOrder(): Promise<void> {
  const effects = await consumer.effects();
  expect(effects).toHaveLength(rounds * keys.length);
  expect(new Set(effects.map(({ event }) => event)).size).toBe(effects.length);
  const last = new Map<string, number>();
  for (const { key, n } of effects) {
    expect(n, key).toBeGreaterThan(last.get(key) ?? 0);
    last.set(key, n);
  }
}

/** Some of the round has an effect by now, so that what comes next falls into the midst of it. */
function someApplied(before: number): Promise<unknown> {
  return until(async () => (await consumer.effects()).length > before, {
    ...DEADLINE,
    intervalMs: 5,
    what: "the round has begun",
  });
}

async function inTrouble(): Promise<number> {
  return (await bus.keys("books", { state: null, after: "", limit: 200 })).items.length;
}

test("splits move, instances end, a bus is overtaken: one effect each, in order", async () => {
  for (const weight of [50, 100, null, 50, 100, 50, null] as const) {
    const before = (await consumer.effects()).length;
    await publishRound();
    await someApplied(before);
    await consumer.split(weight);
    await publishRound();
    if (weight === 100) {
      await consumer.killInstance("books-2");
      await publishRound();
      await consumer.startInstance("books-2");
    } else if (weight === 50) {
      await consumer.stopInstance("books-1");
      await consumer.startInstance("books-1");
    } else {
      // Overtaken in the midst of its deliveries: the next one does them once more.
      bus = await startBus();
    }
    await publishRound();
  }
  await allApplied();
  await expectOnceAndInOrder();
  const revisions = new Set((await consumer.effects()).map(({ revision }) => revision));
  expect([...revisions].sort()).toEqual(["books-1", "books-2"]);
  expect(await inTrouble()).toBe(0);
});

test("what is delivered a second time has no second effect", async () => {
  await consumer.split(50);
  await publishRound();
  await publishRound();
  await allApplied();
  await bus.close();
  // As if none of the cursors had ever been written down.
  const client = new Client({ connectionString: world.busUrl });
  await client.connect();
  await client.query("update cursors set read_to = 0, open = '{}'");
  await client.end();
  bus = await startBus();
  await until(() => (bus.groups()[0]?.appliedTotal ?? 0) === rounds * keys.length, {
    ...DEADLINE,
    what: "everything is delivered again",
  });
  await publishRound();
  await allApplied();
  await expectOnceAndInOrder();
});

test("a consumer's database that is away costs time, and no event a try", async () => {
  await consumer.split(50);
  await publishRound();
  await allApplied();
  await consumer.door.shut();
  const shutAtMs = performance.now();
  await publishRound();
  await publishRound();
  await until(() => world.logLines.some((line) => line.includes('"delivery.outage"')), {
    ...DEADLINE,
    what: "the bus meets the outage",
  });
  await until(() => performance.now() - shutAtMs > AWAY_MS, { ...DEADLINE, what: "time passes" });
  expect(bus.groups()[0]).toMatchObject({ failedTotal: 0, keysQuarantined: 0, state: "running" });
  expect((await bus.countedGroups())[0]?.lag).toBe(2 * keys.length);
  expect((await bus.countedGroups())[0]?.lagAgeMs).toBeGreaterThan(AWAY_MS / 2);
  expect(await consumer.effects()).toHaveLength(keys.length);
  await consumer.door.open();
  await allApplied();
  await expectOnceAndInOrder();
  expect(await inTrouble()).toBe(0);
  expect(bus.groups()[0]).toMatchObject({ failedTotal: 0, state: "running" });
});
