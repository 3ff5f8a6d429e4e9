/** An event finds its consumer asleep: a real bus, a real gateway, a real engine, a real outbox. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { systemClock } from "@tideway/kernel";
import type { RolloutState } from "@tideway/rollout";
import { toManifest } from "@tideway/schema";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { authHashOf } from "@tideway/trust";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runningRollouts } from "../store/rollouts.ts";
import { openTestPlatform, reconcileUntil } from "../test/platform.ts";
import type { OpenWorld, TestPlatform } from "../test/platform.ts";
import { startRealBus } from "../test/real-bus.ts";
import type { RealBus } from "../test/real-bus.ts";
import { apiOf } from "../test/small-service.ts";

const secret = "7".repeat(64);
const TYPE = "shop.goods.sold.v1";
const EVENTS = 20;

let platform: TestPlatform;
let shop: TestDatabase;
let open: OpenWorld;
let bus: RealBus;

beforeEach(async () => {
  platform = await openTestPlatform();
  // Any folder does: what counts are the platform's own tables.
  const migrations = join(import.meta.dirname, "../../migrations");
  shop = await testDatabase({ service: "shop", migrations });
  const gateway = await platform.restartGateway();
  open = await platform.openWorld({}, systemClock, [{ name: "bus", authHash: authHashOf(secret) }]);
  bus = await startRealBus(join(platform.home, "run", "bus.sock"), platform.logger, {
    internalUrl: `http://127.0.0.1:${gateway.internalPort}`,
    secret,
    splits: () => platform.gateway.splits(),
  });
});
afterEach(async () => {
  await bus.close();
  await shop.close();
  await platform.close();
});

const pass = async (): Promise<void> => {
  const rollouts = await runningRollouts<RolloutState>(platform.database.pool);
  await open.world.reconcile(rollouts, await platform.gateway.state());
};

/** Applies whatever it gets, once it runs. */
const addConsumer = async (): Promise<void> => {
  const before = `
process.nextTick(() => {
  server.removeAllListeners("request");
  server.on("request", (request, reply) => {
    let text = "";
    request.on("data", (chunk) => (text += chunk));
    request.on("end", () => {
      if (request.url !== "/tideway/events") return reply.end();
      const results = JSON.parse(text).map(({ id }) => ({ id, outcome: "applied" }));
      reply.end(JSON.stringify({ results }));
    });
  });
});`;
  const consumes = [{ type: TYPE, order: "key" as const }];
  const declaration = { name: "bakery", api: apiOf("bakery"), database: false, consumes };
  const { routes } = toManifest(declaration);
  const scaling = { instancesMin: 0, instancesMax: 1, concurrencyTarget: 50, idleSeconds: 60 };
  const change = { routes, consumes, scaling };
  await platform.stable(await platform.add({ service: "bakery", text: "1", before, change }));
};

const publish = async (): Promise<void> => {
  const numbers = Array.from({ length: EVENTS }, (_, index) => index);
  await shop.pool.query("select tideway.publish($1, $2, $3, $4, null)", [
    numbers.map(() => randomUUID()),
    numbers.map(() => TYPE),
    numbers.map((number) => `order ${number % 5}`),
    numbers.map((number) => JSON.stringify({ number })),
  ]);
};

test("a sleeping consumer is woken by its events, and each of them is applied", async () => {
  await addConsumer();
  await pass();
  await pass();
  expect(open.world.running.has("bakery-1")).toBe(false);
  const none = { consumes: [], emits: [], cron: {} };
  await bus.bus.configure({
    epoch: 1,
    services: [
      {
        name: "shop",
        database: new URL(shop.url).pathname.slice(1),
        revisions: [{ ...none, id: "shop-1", emits: [{ type: TYPE, shedding: "normal" }] }],
      },
      {
        name: "bakery",
        database: null,
        revisions: [{ ...none, id: "bakery-1", consumes: [{ type: TYPE, order: "key" }] }],
      },
    ],
  });
  await publish();
  await reconcileUntil("all are applied", pass, () =>
    bus.bus.groups().some((group) => group.group === "bakery" && group.appliedTotal === EVENTS),
  );
  expect(open.world.asleep.has("bakery-1")).toBe(false);
  expect(bus.bus.groups()).toMatchObject([{ group: "bakery", lag: 0, failedTotal: 0 }]);
  const left = await shop.pool.query("select 1 from tideway.outbox");
  expect(left.rowCount).toBe(0);
});
