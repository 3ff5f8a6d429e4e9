/** The end that every world of the delivery machine must come to. */
import { expect } from "vitest";
import type { DeliveryWorld } from "./delivery-world.ts";

const STEPS_MAX = 30_000;

/** Lets things happen until nothing is under way and no key is in trouble; looks after each step. */
export function settle(
  world: DeliveryWorld,
  look: (world: DeliveryWorld) => void = () => {},
): void {
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    world.step();
    look(world);
    if (world.isIdle && world.lanes.length === 0) return;
  }
  const { state, lanes } = world;
  throw new Error(`Not settled: ${JSON.stringify({ lanes, partitions: state.partitions })}`);
}

export function expectOnceAndInOrder(world: DeliveryWorld): void {
  const total = world.logs.flat().length;
  expect(new Set(world.applied.map(({ event }) => event.eventId)).size).toBe(total);
  expect(world.applied).toHaveLength(total);
  const last = new Map<string, number>();
  for (const { event } of world.applied) {
    expect(event.offset, event.key).toBeGreaterThan(last.get(event.key) ?? 0);
    last.set(event.key, event.offset);
  }
}
