/** A revision that is late must not hold up another one's keys, nor lose or reorder its own. */
import { expect, test } from "vitest";
import { DeliveryWorld, randomOf } from "../test/delivery-world.ts";
import { expectOnceAndInOrder, settle } from "../test/settled.ts";
import type { WorldOptions } from "../test/delivery-world.ts";

/** Events of a window. Partition 1 has the keys of odd lengths; weight 50 takes lengths 1 and 2. */
const WINDOW = 20;
const CANDIDATE = ["a", "bb"];
const STABLE = ["ccc", "dddd", "eeeee", "ffffff"];
const EVENTS = 400;

function worldOf(seed: number, change: Partial<WorldOptions> = {}): DeliveryWorld {
  const random = randomOf(seed);
  const world = new DeliveryWorld({ random, fails: () => false, mishap: 0, kill: 0, ...change });
  releasing(world, 50);
  return world;
}

function releasing(world: DeliveryWorld, weight: number): void {
  const epoch = world.split.epoch + 1;
  world.split =
    weight === 0
      ? { stable: "s-1", candidate: null, weight: 0, rollout: null, epoch }
      : { stable: "s-1", candidate: "s-2", weight, rollout: "r", epoch };
  world.feed({ kind: "split", split: world.split });
}

/** Keys of both revisions by turns, more of the candidate's than a window holds. */
function publishAll(world: DeliveryWorld, steps = 3): void {
  const keys = [...CANDIDATE, ...STABLE];
  for (let n = 0; n < EVENTS; n++) {
    world.publish(keys[n % keys.length] ?? "a");
    for (let step = 0; step < steps; step++) world.step();
    expectBounded(world);
  }
}

function expectBounded({ state }: DeliveryWorld): void {
  // A page that is read again may find the window nearly full.
  for (const { heldEvents } of state.partitions) expect(heldEvents).toBeLessThanOrEqual(WINDOW + 5);
}

const appliedOf = (world: DeliveryWorld, keys: readonly string[]): number =>
  world.applied.filter(({ event }) => keys.includes(event.key)).length;
const publishedOf = (world: DeliveryWorld, keys: readonly string[]): number =>
  world.logs.flat().filter(({ key }) => keys.includes(key)).length;

/** Time passes and what can go goes, while somebody is away for good. */
function waitAWhile(world: DeliveryWorld): void {
  for (let step = 0; step < 2_000; step++) {
    world.step();
    expectBounded(world);
  }
}

test("while the candidate is away every event of the stable revision's keys is applied", () => {
  const world = worldOf(1);
  world.away.add("s-2");
  publishAll(world);
  waitAWhile(world);
  expect(appliedOf(world, STABLE)).toBe(publishedOf(world, STABLE));
  expect(appliedOf(world, CANDIDATE)).toBe(0);
  const waiting = world.state.partitions.map(({ heldEvents, detours }) =>
    detours.reduce((sum, { events }) => sum + events, heldEvents),
  );
  expect(waiting[0]).toBe(publishedOf(world, ["bb"]));
  expect(waiting[1]).toBe(publishedOf(world, ["a"]));
  world.away.clear();
  settle(world, expectBounded);
  expectOnceAndInOrder(world);
});

test("while the stable revision is away every event of the candidate's keys is applied", () => {
  const world = worldOf(2);
  world.away.add("s-1");
  publishAll(world);
  waitAWhile(world);
  expect(appliedOf(world, CANDIDATE)).toBe(publishedOf(world, CANDIDATE));
  world.away.clear();
  settle(world, expectBounded);
  expectOnceAndInOrder(world);
});

test("an abort brings what waits for the candidate to the stable revision, in order", () => {
  const world = worldOf(3);
  world.away.add("s-2");
  publishAll(world);
  releasing(world, 0);
  for (let n = 0; n < 50; n++) world.publish("a");
  settle(world, expectBounded);
  expectOnceAndInOrder(world);
  expect(world.applied.every(({ revision }) => revision === "s-1")).toBe(true);
});

test("a suspended candidate holds nobody up, and gets its events once it works", () => {
  let isBroken = true;
  const random = randomOf(4);
  const world = new DeliveryWorld({
    random,
    fails: (_, revision) => revision === "s-2" && isBroken,
    mishap: 0,
    kill: 0,
    suspendLanesMin: 1,
  });
  releasing(world, 50);
  publishAll(world);
  waitAWhile(world);
  expect(world.state.flows.get("s-2")?.suspension).not.toBeNull();
  expect(appliedOf(world, STABLE)).toBe(publishedOf(world, STABLE));
  isBroken = false;
  settle(world, expectBounded);
  expectOnceAndInOrder(world);
});

test("a busy log does not outrun the reading of what was left behind", () => {
  const world = worldOf(5);
  world.away.add("s-2");
  publishAll(world);
  world.away.clear();
  let rounds = 0;
  while (world.state.partitions.some(({ detours }) => detours.length > 0)) {
    // One more event for the candidate before each thing that happens.
    world.publish(CANDIDATE[rounds % 2] ?? "a");
    for (let step = 0; step < 4; step++) world.step();
    expect(++rounds).toBeLessThan(4_000);
  }
  settle(world, expectBounded);
  expectOnceAndInOrder(world);
});

test("after a restart only what was open is read, not all that was applied since", () => {
  const world = worldOf(6);
  world.away.add("s-2");
  publishAll(world);
  waitAWhile(world);
  const before = world.reads;
  world.restart();
  world.publish("ccc");
  for (let step = 0; step < 200; step++) world.step();
  expect(appliedOf(world, STABLE)).toBe(publishedOf(world, STABLE));
  // 200 offsets a partition at 5 a page would be 80 readings.
  expect(world.reads - before).toBeLessThan(30);
  world.away.clear();
  settle(world, expectBounded);
  expectOnceAndInOrder(world);
});

test("revisions come and go, splits move, the bus is killed: once each, and in order", () => {
  let kills = 0;
  let diverted = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const random = randomOf(seed * 6_151);
    const world = worldOf(seed, {
      mishap: 0.1,
      kill: 0.005,
      fails: (event, revision, tries) =>
        (event.offset % 11 === 0 && tries < 3) || (revision === "s-2" && random() < 0.1),
    });
    const keys = [...CANDIDATE, ...CANDIDATE, ...STABLE];
    for (let round = 0; round < 150; round++) {
      for (let n = 0; n < 3; n++) world.publish(keys[Math.floor(random() * keys.length)] ?? "a");
      for (let steps = random() * 15; steps > 0; steps--) world.step();
      const revision = random() < 0.7 ? "s-2" : "s-1";
      if (random() < 0.06) world.away.add(revision);
      if (random() < 0.04) world.away.delete(revision);
      if (random() < 0.03) releasing(world, [0, 30, 50, 90][Math.floor(random() * 4)] ?? 0);
      if (world.state.partitions.some(({ detours }) => detours.length > 0)) diverted++;
    }
    world.away.clear();
    settle(world, expectBounded);
    expectOnceAndInOrder(world);
    kills += world.kills;
  }
  expect(kills).toBeGreaterThan(100);
  expect(diverted).toBeGreaterThan(1_000);
});
