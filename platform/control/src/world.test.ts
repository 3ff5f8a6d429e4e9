/** The rules by which control makes the world agree, on a real database, gateway and engine. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { until } from "@tideway/kernel";
import type { RolloutState } from "@tideway/rollout";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runningRollouts } from "./store/rollouts.ts";
import { openTestPlatform, reconcileUntil, stateOf } from "./test/platform.ts";
import type { OpenWorld, TestPlatform } from "./test/platform.ts";
import { openGate } from "./test/small-service.ts";

let platform: TestPlatform;
beforeEach(async () => {
  platform = await openTestPlatform();
});
afterEach(() => platform.close());

const pass = async ({ world }: OpenWorld): Promise<void> => {
  const rollouts = await runningRollouts<RolloutState>(platform.database.pool);
  await world.reconcile(rollouts, await platform.gateway.state().catch(() => null));
};
const readyOf = ({ world }: OpenWorld, revision: string) =>
  (world.running.get(revision)?.instances ?? []).filter(({ status }) => status === "ready");
const ready = (open: OpenWorld, revision: string) =>
  reconcileUntil(
    `${revision} is ready`,
    () => pass(open),
    () => readyOf(open, revision).length === 1,
  );
/** What the gateway has on its disk. */
const served = (service = "shop") => {
  // The gateway's own file.
  const config = JSON.parse(readFileSync(join(platform.home, "gateway/config.json"), "utf8")) as {
    epoch: number;
    services: { name: string; split: object; revisions: { id: string; endpoints: object[] }[] }[];
  };
  const own = config.services.find(({ name }) => name === service);
  const revisions = own?.revisions.map(({ id, endpoints }) => [id, endpoints.length]);
  return { epoch: config.epoch, split: own?.split, revisions };
};
const gone = (open: OpenWorld, revision: string) =>
  reconcileUntil(
    `${revision} is gone`,
    () => pass(open),
    () => !open.world.running.has(revision),
  );

test("a candidate is served with its weight, and after its end only the stable revision is", async () => {
  await platform.restartGateway();
  const [one, two] = [
    await platform.add({ service: "shop", text: "1" }),
    await platform.add({ service: "shop", text: "2" }),
  ];
  await platform.stable(one);
  const open = await platform.openWorld();
  const id = await platform.rollout(
    one,
    two,
    stateOf(one, two, { name: "progressing", weight: 25 }),
  );
  await ready(open, "shop-1");
  await ready(open, "shop-2");
  await pass(open);
  expect(served()).toMatchObject({
    split: { stable: "shop-1", candidate: "shop-2", weight: 25, rollout: id },
    revisions: [
      ["shop-1", 1],
      ["shop-2", 1],
    ],
  });
  await platform.database.pool.query("update rollouts set finished_at = now()");
  await gone(open, "shop-2");
  expect(served()).toMatchObject({
    split: { stable: "shop-1", candidate: null, weight: 0, rollout: null },
    revisions: [["shop-1", 1]],
  });
  expect(readyOf(open, "shop-1")).toHaveLength(1);
});

test("nothing is removed before the gateway has confirmed a configuration without it", async () => {
  await platform.restartGateway();
  const [one, two] = [
    await platform.add({ service: "shop", text: "1" }),
    await platform.add({ service: "shop", text: "2" }),
  ];
  await platform.stable(one);
  const open = await platform.openWorld();
  await platform.rollout(one, two, stateOf(one, two, { name: "progressing", weight: 25 }));
  await ready(open, "shop-2");
  await pass(open);
  await platform.stopGateway();
  await platform.database.pool.query("update rollouts set finished_at = now()");
  for (let i = 0; i < 5; i++) await pass(open);
  expect(readyOf(open, "shop-2")).toHaveLength(1);
  await platform.restartGateway();
  await gone(open, "shop-2");
});

test("a control that comes back adopts what is wanted and removes what is not, also an orphan", async () => {
  await platform.restartGateway();
  const [one, two] = [
    await platform.add({ service: "shop", text: "1" }),
    await platform.add({ service: "shop", text: "2" }),
  ];
  await platform.stable(one);
  const first = await platform.openWorld();
  await platform.rollout(one, two, stateOf(one, two, { name: "progressing", weight: 25 }));
  await ready(first, "shop-1");
  await ready(first, "shop-2");
  const [kept] = readyOf(first, "shop-1");
  await first.close();
  await platform.database.pool.query("update rollouts set finished_at = now()");
  const second = await platform.openWorld();
  await until(() => second.world.running.has("shop-2"), { deadlineMs: 5_000, what: "adoption" });
  await gone(second, "shop-2");
  expect(readyOf(second, "shop-1")).toMatchObject([{ instance: kept?.instance, pid: kept?.pid }]);
});

test("a revision that is wanted again while it drains runs again at once", async () => {
  await platform.restartGateway();
  const gate = join(platform.home, "gate");
  const onTerm = `setInterval(() => existsSync(${JSON.stringify(gate)}) && process.exit(0), 20);`;
  const one = await platform.add({ service: "shop", text: "1", onTerm });
  const two = await platform.add({ service: "shop", text: "2" });
  await platform.stable(one);
  const open = await platform.openWorld();
  await ready(open, "shop-1");
  await platform.stable(two);
  await ready(open, "shop-2");
  const isDraining = () =>
    open.world.running.get("shop-1")?.instances.some(({ status }) => status === "draining");
  await reconcileUntil("shop-1 drains", () => pass(open), isDraining);
  await platform.stable(one);
  await ready(open, "shop-1");
  expect(isDraining()).toBe(true);
  await openGate(gate);
  await reconcileUntil(
    "only the new instance is left",
    () => pass(open),
    () => open.world.running.get("shop-1")?.instances.length === 1,
  );
  await gone(open, "shop-2");
  expect(readyOf(open, "shop-1")).toHaveLength(1);
  expect(served().revisions).toEqual([["shop-1", 1]]);
});

test("a revision that cannot be run does not keep the others from being served", async () => {
  await platform.restartGateway();
  const scaling = { instancesMin: 3, instancesMax: 3, concurrencyTarget: 50, idleSeconds: 60 };
  const big = await platform.add({ service: "bakery", text: "1", change: { scaling } });
  const small = await platform.add({ service: "shop", text: "1" });
  for (const row of [big, small]) await platform.stable(row);
  const open = await platform.openWorld({ instancesMax: 2 });
  await ready(open, "shop-1");
  await pass(open);
  expect(served("shop").revisions).toEqual([["shop-1", 1]]);
  const told = platform.logLines.filter((line) => line.includes("engine.ensure-failed"));
  expect(told).toHaveLength(1);
  expect(told[0]).toContain("ENGINE_FULL");
});

test("a database older than the gateway's configuration does not stop configuring", async () => {
  await platform.restartGateway();
  await platform.gateway.putConfig({
    epoch: 4_000,
    services: [],
    apps: [],
    tokens: { service: "identity", path: "/keys", issuer: "identity" },
  });
  const one = await platform.add({ service: "shop", text: "1" });
  await platform.stable(one);
  const open = await platform.openWorld();
  await ready(open, "shop-1");
  await pass(open);
  expect(served().revisions).toEqual([["shop-1", 1]]);
  expect(served().epoch).toBeGreaterThan(4_000);
});

test("a gateway that lost its configuration gets it again, and an unchanged one is left alone", async () => {
  await platform.restartGateway();
  const one = await platform.add({ service: "shop", text: "1" });
  await platform.stable(one);
  const open = await platform.openWorld();
  await ready(open, "shop-1");
  await pass(open);
  const { epoch } = served();
  await pass(open);
  expect(served().epoch).toBe(epoch);
  await platform.stopGateway();
  rmSync(join(platform.home, "gateway/config.json"));
  await platform.restartGateway();
  await pass(open);
  expect(served().epoch).toBeGreaterThan(epoch);
});
