/** Deliveries while the consuming service is being released: splits, pins, aborts. */
import { laneOfKey, keyDigitsOf } from "@tideway/gateway";
import { until } from "@tideway/kernel";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Bus } from "../bus.ts";
import type { BusConfig } from "../config.ts";
import { LOOSE, TYPE, configOf, databaseOf, splitOf, startWorld } from "./bus-under-test.ts";
import type { World } from "./bus-under-test.ts";

const DEADLINE = { deadlineMs: 15_000 } as const;
const ROLLOUT = { candidate: "books-2", weight: 50, rollout: "rol_1", epoch: 2 } as const;
const split = splitOf(ROLLOUT);
/** Keys by the lane that the rollout gives them. */
const keys = Array.from({ length: 40 }, (_, i) => `key-${i}`);
const moved = keys.filter((key) => laneOfKey(split, keyDigitsOf(key)) === "candidate");
const stayed = keys.filter((key) => !moved.includes(key));

let world: World;
let bus: Bus;
beforeEach(async () => {
  world = await startWorld();
  bus = await world.start({ tuning: { suspendLanesMin: 1_000 } });
  await bus.configure(configOf(1, ["books-1", "books-2"], databaseOf(world.producer)));
});
afterEach(async () => {
  expect(world.upstream.problems).toEqual([]);
  await world.close();
});

const applied = (): World["upstream"]["applied"] => world.upstream.applied;
const numbersOf = (key: string): number[] =>
  applied()
    .filter(({ event }) => event.partitionkey === key)
    .map(({ event }) => event.data.n);
const appliedAll = (count: number): Promise<unknown> =>
  until(() => applied().length >= count, { ...DEADLINE, what: `${count} events are applied` });

test("the split's keys go to the candidate, others stay, and an older pin is refused", async () => {
  await world.publish(keys);
  await appliedAll(40);
  world.upstream.split = split;
  await world.publish(keys, { from: 100 });
  await appliedAll(80);
  expect(world.upstream.requests.some(({ status }) => status === 409)).toBe(true);
  const late = applied().slice(40);
  const at = (revision: string): string[] =>
    late.filter((one) => one.revision === revision).map(({ event }) => event.partitionkey);
  expect(at("books-2").toSorted()).toEqual(moved.toSorted());
  expect(at("books-1").toSorted()).toEqual(stayed.toSorted());
});

test("a key with a delivery in flight waits for it before it changes its revision", async () => {
  const key = moved[0] ?? "";
  let letGo = (): void => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  world.upstream.hold = { revision: "books-1", until: held };
  await world.publish([key], { from: 1 });
  // The service has it: what is only on its way there would be refused by the new split.
  await until(() => world.upstream.held === 1, { ...DEADLINE, what: "it is in flight" });
  world.upstream.split = split;
  const others = moved.slice(1, 6);
  await world.publish([key, ...others], { from: 2 });
  // Others of the candidate's keys get through on a partition of their own; this one must not.
  await until(() => others.some((other) => numbersOf(other).length > 0), {
    ...DEADLINE,
    what: "the candidate gets its share",
  });
  expect(numbersOf(key)).toEqual([]);
  letGo();
  await appliedAll(7);
  expect(numbersOf(key)).toEqual([1, 2]);
  expect(
    applied()
      .filter(({ event }) => event.partitionkey === key)
      .map(({ revision }) => revision),
  ).toEqual(["books-1", "books-2"]);
});

test("an abort redrives on the stable revision, in order, what the candidate failed", async () => {
  world.upstream.split = split;
  world.upstream.judge = (_, revision) => (revision === "books-2" ? "CANDIDATE_BROKEN" : null);
  await world.publish(keys, { from: 0 });
  await appliedAll(stayed.length);
  const inTrouble = async (): Promise<number> =>
    (await bus.keys("books", { state: null, after: "", limit: 200 })).items.length;
  await until(async () => (await inTrouble()) === moved.length, {
    ...DEADLINE,
    what: "the candidate's keys are in trouble",
  });
  await world.publish(keys, { from: 100 });
  await appliedAll(2 * stayed.length);
  const startedAt = performance.now();
  world.upstream.split = splitOf({ epoch: 3 });
  await bus.configure(configOf(2, ["books-1"], databaseOf(world.producer)));
  await appliedAll(80);
  // At once: the next try of the candidate's would have come after a second at the earliest, and
  // the bus looks at the splits when it is configured.
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  for (const [index, key] of keys.entries()) expect(numbersOf(key)).toEqual([index, 100 + index]);
  expect(applied().every(({ revision }) => revision === "books-1")).toBe(true);
  await until(async () => (await inTrouble()) === 0, { ...DEADLINE, what: "nobody is in trouble" });
});

test("what the candidate quarantined is redriven though the bus missed the abort", async () => {
  await bus.close();
  bus = await world.start({ tuning: { suspendLanesMin: 1_000, tryDelaysMs: [] } });
  world.upstream.split = split;
  world.upstream.judge = (_, revision) => (revision === "books-2" ? "CANDIDATE_BROKEN" : null);
  await world.publish(moved);
  await until(() => bus.groups()[0]?.keysQuarantined === moved.length, {
    ...DEADLINE,
    what: "all keys of the candidate are quarantined",
  });
  await bus.close();
  world.upstream.split = splitOf({ epoch: 3 });
  bus = await world.start();
  await appliedAll(moved.length);
  expect(applied().every(({ revision }) => revision === "books-1")).toBe(true);
});

function onlySecondConsumesLoose(): BusConfig {
  const config = configOf(2, ["books-1", "books-2"], databaseOf(world.producer));
  const services = config.services.map((service) => ({
    ...service,
    revisions: service.revisions.map((revision) => ({
      ...revision,
      consumes: revision.consumes.filter(({ type }) => revision.id !== "books-1" || type !== LOOSE),
    })),
  }));
  return { ...config, services };
}

test("a type that only one live revision consumes goes there, whoever has the key", async () => {
  world.upstream.split = split;
  world.upstream.onlyAt.set(LOOSE, "books-2");
  // A type of which the bus's split shows no consumer is completed, so it has to know this split:
  // the second answer after the change is used already.
  const { asked } = world.upstream;
  await until(() => world.upstream.asked > asked + 1, { ...DEADLINE, what: "the split is known" });
  await bus.configure(onlySecondConsumesLoose());
  await world.publish(keys, { type: LOOSE });
  await world.publish(keys, { from: 100 });
  await appliedAll(80);
  const numbers = keys.map((key) => numbersOf(key).toSorted((a, b) => a - b));
  expect(numbers).toEqual(keys.map((_, index) => [index, 100 + index]));
  const loose = applied().filter(({ event }) => event.type === LOOSE);
  expect(loose.every(({ revision }) => revision === "books-2")).toBe(true);
  await until(() => bus.groups()[0]?.lag === 0, { ...DEADLINE, what: "nothing is left" });
});

test("a type that no live revision consumes is completed undelivered", async () => {
  await bus.configure(onlySecondConsumesLoose());
  // books-2 consumes it, but has no part of the split.
  await world.publish(keys, { type: LOOSE });
  await world.publish(keys, { from: 100 });
  await appliedAll(40);
  await until(() => bus.groups()[0]?.lag === 0, { ...DEADLINE, what: "nothing is left" });
  expect(applied().every(({ event }) => event.type === TYPE)).toBe(true);
});
