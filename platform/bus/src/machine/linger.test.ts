/** Events that may wait for others, so that more go at once. */
import { expect, test } from "vitest";
import { DeliveryWorld, randomOf } from "../test/delivery-world.ts";
import { expectOnceAndInOrder, settle } from "../test/settled.ts";
import type { WorldOptions } from "../test/delivery-world.ts";
import type { Consumes } from "./delivery-types.ts";

const PATIENT = "shop.order.made.v1";
const URGENT = "shop.order.paid.v1";
const LINGER_MS = 1_000;
const CONSUMES: Consumes = new Map([
  [PATIENT, "key"],
  [URGENT, "key"],
]);
/** All of one partition; the first three events of the world make a batch full by their bytes. */
const KEYS = ["a", "ccc", "eeeee"];

function worldOf(seed: number, change: Partial<WorldOptions> = {}): DeliveryWorld {
  return new DeliveryWorld({
    random: randomOf(seed),
    fails: () => false,
    mishap: 0,
    kill: 0,
    consumes: [CONSUMES, CONSUMES],
    lingers: new Map([[PATIENT, LINGER_MS]]),
    ...change,
  });
}

function deliverAll(world: DeliveryWorld): void {
  const total = world.logs.flat().length;
  for (let steps = 0; world.applied.length < total && steps < 1_000; steps++) world.step();
  expect(world.applied).toHaveLength(total);
}

test("what may wait goes together, when the time of the first one is over", () => {
  const world = worldOf(1);
  const startedMs = world.nowMs;
  world.publish("a", PATIENT);
  world.nowMs += 600;
  world.publish("ccc", PATIENT);
  deliverAll(world);
  expect(world.nowMs - startedMs).toBe(LINGER_MS);
  expect(world.batches).toBe(1);
});

test("one that may not wait goes at once, and takes those along that would have", () => {
  const world = worldOf(2);
  const startedMs = world.nowMs;
  world.publish("a", PATIENT);
  world.publish("ccc", URGENT);
  expect(world.state.partitions.flatMap(({ batches }) => batches)).toHaveLength(1);
  deliverAll(world);
  expect(world.applied).toHaveLength(2);
  expect(world.nowMs).toBe(startedMs);
});

test("a full batch goes at once", () => {
  const world = worldOf(3);
  const startedMs = world.nowMs;
  for (const key of ["a", "ccc"]) world.publish(key, PATIENT);
  expect(world.state.partitions.flatMap(({ batches }) => batches)).toEqual([]);
  world.publish("eeeee", PATIENT);
  world.step();
  expect(world.applied).toHaveLength(2);
  expect(world.nowMs).toBe(startedMs);
  // What did not fit waits for others again.
  deliverAll(world);
  expect(world.nowMs - startedMs).toBe(LINGER_MS);
});

test("a clock that is set back by an hour makes nothing linger longer", () => {
  const world = worldOf(5);
  world.nowMs = 10_000_000;
  world.publish("a", PATIENT);
  world.nowMs -= 3_600_000;
  const startedMs = world.nowMs;
  world.feed({ kind: "ticked" });
  deliverAll(world);
  expect(world.nowMs - startedMs).toBeLessThanOrEqual(LINGER_MS);
});

test("what was waiting when the bus died lingers no longer than once more", () => {
  const world = worldOf(4);
  const startedMs = world.nowMs;
  world.publish("a", PATIENT);
  world.nowMs += 900;
  world.restart();
  world.feed({ kind: "heads", heads: world.logs.map(({ length }) => length) });
  deliverAll(world);
  expect(world.nowMs - startedMs).toBeLessThanOrEqual(900 + LINGER_MS);
});

test("whatever goes wrong, each event is applied once and each key in its order", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = randomOf(seed * 104_729);
    const world = worldOf(seed, {
      mishap: 0.1,
      kill: 0.01,
      fails: (event, _, tries) => event.offset % 9 === 0 && tries < 3,
    });
    for (let round = 0; round < 40; round++) {
      const key = KEYS[Math.floor(random() * KEYS.length)] ?? "a";
      world.publish(key, random() < 0.8 ? PATIENT : URGENT);
      for (let steps = random() * 6; steps > 0; steps--) world.step();
    }
    world.feed({ kind: "heads", heads: world.logs.map(({ length }) => length) });
    settle(world);
    expectOnceAndInOrder(world);
  }
});
