/** The delivery machine in a world where everything goes wrong, drawn from seeds. */
import { expect, test } from "vitest";
import { DeliveryWorld, randomOf } from "../test/delivery-world.ts";
import { expectOnceAndInOrder, settle } from "../test/settled.ts";
import type { WorldOptions } from "../test/delivery-world.ts";

function worldOf(seed: number, change: Partial<WorldOptions> = {}): DeliveryWorld {
  const random = randomOf(seed);
  return new DeliveryWorld({ random, fails: () => false, mishap: 0, kill: 0, ...change });
}

const KEYS = ["a", "bb", "ccc", "dddd", "eeeee", "ffffff"];

test("whatever goes wrong, each event is applied once and each key in its order", () => {
  let kills = 0;
  for (let seed = 1; seed <= 120; seed++) {
    const random = randomOf(seed * 7_919);
    const world = worldOf(seed, {
      mishap: 0.15,
      kill: 0.01,
      // Some fail at first, and whatever the candidate gets fails now and then.
      fails: (event, revision, tries) =>
        (event.offset % 7 === 0 && tries < 3) || (revision === "s-2" && random() < 0.3),
    });
    for (let round = 0; round < 60; round++) {
      for (let n = 0; n < 3; n++) world.publish(KEYS[Math.floor(random() * KEYS.length)] ?? "a");
      for (let steps = random() * 20; steps > 0; steps--) world.step();
      if (round % 20 === 10) {
        const epoch = world.split.epoch + 1;
        const weight = Math.floor(random() * 100);
        world.split = { stable: "s-1", candidate: "s-2", weight, rollout: "r", epoch };
      }
    }
    const epoch = world.split.epoch + 1;
    world.split = { stable: "s-1", candidate: null, weight: 0, rollout: null, epoch };
    world.feed({ kind: "split", split: world.split });
    settle(world);
    expectOnceAndInOrder(world);
    kills += world.kills;
  }
  expect(kills).toBeGreaterThan(120);
});

test("an outage of an hour counts as no try, and its pauses stay below 5 s", () => {
  const world = worldOf(1, { mishap: 1 });
  world.publish("a");
  world.feed({ kind: "heads", heads: [1, 1] });
  const outages: number[] = [];
  while (world.nowMs < 3_600_000) {
    const before = world.nowMs;
    world.step();
    if (world.nowMs > before) outages.push(world.nowMs - before);
  }
  expect(world.lanes).toEqual([]);
  expect(Math.max(...outages)).toBeLessThanOrEqual(5_000);
  expect(world.applied).toEqual([]);
});

test("a poisoned event is tried 8 times over some ten minutes, then its key is quarantined", () => {
  const world = worldOf(3, { fails: (event) => event.key === "bb" && event.offset === 1 });
  const startedMs = world.nowMs;
  for (let n = 0; n < 40; n++) for (const key of KEYS) world.publish(key);
  while (world.lanes[0]?.state !== "quarantined") world.step();
  expect(world.lanes[0]).toMatchObject({ key: "bb", tries: 8, code: "BAD", nextTryAtMs: null });
  const minutes = (world.nowMs - startedMs) / 60_000;
  expect(minutes).toBeGreaterThan(8.9);
  expect(minutes).toBeLessThan(11.1);
  expect(world.applied.filter(({ event }) => event.key === "bb")).toEqual([]);
  expect(world.applied).toHaveLength(200);
});

test("a busy poisoned key does not fill the window: other keys of its partition flow", () => {
  const world = worldOf(4, { fails: (event) => event.key === "bb" });
  world.publish("bb");
  for (let n = 0; n < 50; n++) world.step();
  for (let n = 0; n < 200; n++) {
    world.publish("bb");
    if (n % 10 === 0) world.publish("dddd");
    world.step();
    for (const { heldEvents } of world.state.partitions) expect(heldEvents).toBeLessThanOrEqual(25);
  }
  for (let n = 0; n < 2_000; n++) world.step();
  expect(world.applied.filter(({ event }) => event.key === "dddd")).toHaveLength(20);
});

test("when most keys fail the revision is suspended, until one good probe finds out", () => {
  let isBroken = true;
  const world = worldOf(5, { fails: () => isBroken });
  for (let n = 0; n < 3; n++) for (const key of KEYS) world.publish(key);
  for (let n = 0; n < 400; n++) world.step();
  expect(world.state.flows.get("s-1")?.suspension).not.toBeNull();
  expect(Math.max(0, ...world.lanes.map(({ tries }) => tries))).toBeLessThanOrEqual(2);
  isBroken = false;
  settle(world);
  expect(world.state.flows.get("s-1")?.suspension).toBeNull();
  expectOnceAndInOrder(world);
});
