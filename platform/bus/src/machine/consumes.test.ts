/** Live revisions that do not consume the same types, or not with the same order. */
import { expect, test } from "vitest";
import { DeliveryWorld, randomOf } from "../test/delivery-world.ts";
import { expectOnceAndInOrder, settle } from "../test/settled.ts";
import type { Consumes, DeliverableEvent } from "./delivery-types.ts";

const MADE = "shop.order.made.v1";
const PAID = "shop.order.paid.v1";
const LESS: Consumes = new Map([[MADE, "key"]]);
const MORE: Consumes = new Map([
  [MADE, "key"],
  [PAID, "key"],
]);
/** Weight 50 gives the candidate the first two. */
const KEYS = ["a", "bb", "ccc", "dddd", "eeeee", "ffffff"];

function releasing(world: DeliveryWorld, stable: string, weight: number | null): void {
  const epoch = world.split.epoch + 1;
  const candidate = weight === null ? null : "s-2";
  const rollout = weight === null ? null : "r";
  world.split = { stable, candidate, weight: weight ?? 0, rollout, epoch };
  world.feed({ kind: "split", split: world.split });
}

const revisionsOf = (world: DeliveryWorld, type: string): Set<string> =>
  new Set(world.applied.flatMap((one) => (one.event.type === type ? [one.revision] : [])));

test("what the candidate does not consume any more, the stable revision gets for all keys", () => {
  const random = randomOf(1);
  const consumes = [MORE, LESS] as const;
  const world = new DeliveryWorld({ random, fails: () => false, mishap: 0, kill: 0, consumes });
  releasing(world, "s-1", 50);
  for (const type of [MADE, PAID, MADE]) for (const key of KEYS) world.publish(key, type);
  settle(world);
  releasing(world, "s-1", null);
  settle(world);
  expectOnceAndInOrder(world);
  expect(revisionsOf(world, MADE)).toEqual(new Set(["s-1", "s-2"]));
  expect(revisionsOf(world, PAID)).toEqual(new Set(["s-1"]));
});

test("what the candidate begins to consume, it gets for all keys", () => {
  const random = randomOf(2);
  const consumes = [LESS, MORE] as const;
  const world = new DeliveryWorld({ random, fails: () => false, mishap: 0, kill: 0, consumes });
  releasing(world, "s-1", 50);
  for (const type of [MADE, PAID, MADE]) for (const key of KEYS) world.publish(key, type);
  settle(world);
  releasing(world, "s-2", null);
  settle(world);
  expectOnceAndInOrder(world);
  expect(revisionsOf(world, PAID)).toEqual(new Set(["s-2"]));
});

test("a candidate that consumes more or fewer types, whatever goes wrong: nothing is lost", () => {
  let kills = 0;
  for (let seed = 1; seed <= 120; seed++) {
    const random = randomOf(seed * 4_049);
    const candidateHasMore = seed % 2 === 0;
    const fails = (event: DeliverableEvent, revision: string, tries: number): boolean =>
      (event.offset % 7 === 0 && tries < 3) || (revision === "s-2" && random() < 0.2);
    const consumes = candidateHasMore ? ([LESS, MORE] as const) : ([MORE, LESS] as const);
    const world = new DeliveryWorld({ random, fails, mishap: 0.12, kill: 0.01, consumes });
    releasing(world, "s-1", 50);
    for (let round = 0; round < 60; round++) {
      const key = KEYS[Math.floor(random() * KEYS.length)] ?? "a";
      for (let n = 0; n < 3; n++) world.publish(key, random() < 0.4 ? PAID : MADE);
      for (let steps = random() * 20; steps > 0; steps--) world.step();
      // A type that nobody live consumes would be gone, so what has more of them stays live.
      if (round % 20 === 10) {
        const isOff = !candidateHasMore && random() < 0.3;
        releasing(world, "s-1", isOff ? null : Math.floor(random() * 100));
      }
    }
    releasing(world, candidateHasMore ? "s-2" : "s-1", null);
    settle(world);
    expectOnceAndInOrder(world);
    kills += world.kills;
  }
  expect(kills).toBeGreaterThan(100);
});

test.each(["key", "none"] as const)(
  "a type's order changes from %s while one is parked",
  (from) => {
    const orders = { key: "none", none: "key" } as const;
    const configured = (order: "key" | "none"): void => {
      const consumes: Consumes = new Map([[MADE, order]]);
      world.feed({ kind: "configured", revisions: new Map([["s-1", consumes]]) });
    };
    let isBroken = true;
    const random = randomOf(3);
    const world = new DeliveryWorld({ random, fails: () => isBroken, mishap: 0, kill: 0 });
    configured(from);
    world.publish("a");
    world.publish("a");
    while (world.lanes.length === 0) world.step();
    // Also while one is in flight, for the answer that comes then.
    while (!world.state.partitions.some(({ batches }) => batches.length > 0)) world.step();
    configured(orders[from]);
    for (let steps = 0; steps < 20; steps++) world.step();
    isBroken = false;
    settle(world);
    expectOnceAndInOrder(world);
  },
);
