/** A service that begins to consume with a candidate gets what the log still has. */
import { until } from "@tideway/kernel";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BusConfig } from "../config.ts";
import { TYPE, configOf, databaseOf, splitOf, startWorld } from "./bus-under-test.ts";
import type { World } from "./bus-under-test.ts";

const DEADLINE = { deadlineMs: 15_000 } as const;
const KEYS = Array.from({ length: 20 }, (_, index) => `key-${index}`);

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

/** Of the two revisions only the second one consumes. */
function config(epoch: number): BusConfig {
  const { services } = configOf(epoch, ["books-1", "books-2"], databaseOf(world.producer));
  return {
    epoch,
    services: services.map((service) => ({
      ...service,
      revisions: service.revisions.map((one) =>
        one.id === "books-1" ? { ...one, consumes: [] } : one,
      ),
    })),
  };
}

test("the candidate gets the log from its beginning, for every key", async () => {
  const bus = await world.start();
  await until(() => world.upstream.asked > 1, { ...DEADLINE, what: "the split is known" });
  await bus.configure(config(1));
  await world.publish(KEYS);
  const isRelayed = async (): Promise<boolean> => {
    const { rows } = await world.producer.pool.query("select from tideway.outbox limit 1");
    return rows.length === 0;
  };
  await until(isRelayed, { ...DEADLINE, what: "all is in the log" });
  expect(bus.groups()).toEqual([]);
  world.upstream.onlyAt.set(TYPE, "books-2");
  world.upstream.split = splitOf({ candidate: "books-2", weight: 5, rollout: "rol_1", epoch: 2 });
  await until(() => world.upstream.applied.length === KEYS.length, {
    ...DEADLINE,
    what: "all is applied",
  });
  expect(world.upstream.applied.every(({ revision }) => revision === "books-2")).toBe(true);
  expect(world.upstream.problems).toEqual([]);
});
