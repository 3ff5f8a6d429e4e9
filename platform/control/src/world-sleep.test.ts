/** Services that are switched off while nobody asks for them, on a real gateway and engine. */
import { request } from "node:http";
import { join } from "node:path";
import { systemClock } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import type { Gateway } from "@tideway/gateway";
import type { RolloutState } from "@tideway/rollout";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runningRollouts } from "./store/rollouts.ts";
import { openTestPlatform, reconcileUntil, stateOf } from "./test/platform.ts";
import type { OpenWorld, TestPlatform } from "./test/platform.ts";
import { openGate } from "./test/small-service.ts";
import type { SmallRevision } from "./test/small-service.ts";

const scaling = { instancesMin: 0, instancesMax: 2, concurrencyTarget: 50, idleSeconds: 60 };
let platform: TestPlatform;
let gateway: Gateway;
let open: OpenWorld;
let skippedMs = 0;
const clock: Clock = {
  now: () => systemClock.now() + skippedMs,
  monotonic: () => systemClock.monotonic() + skippedMs,
};

beforeEach(async () => {
  platform = await openTestPlatform();
  gateway = await platform.restartGateway();
  open = await platform.openWorld({}, clock);
});
afterEach(() => platform.close());

const pass = async (): Promise<void> => {
  const rollouts = await runningRollouts<RolloutState>(platform.database.pool);
  await open.world.reconcile(rollouts, await platform.gateway.state().catch(() => null));
};
const passUntil = (what: string, test: () => unknown) => reconcileUntil(what, pass, test);
const instancesOf = (revision: string) => open.world.running.get(revision)?.instances ?? [];
const isReady = (revision: string): boolean =>
  instancesOf(revision).some(({ status }) => status === "ready");
const isOff = (revision: string): boolean => !open.world.running.has(revision);

const add = async (service: string, change: SmallRevision["change"] = {}): Promise<void> => {
  await platform.stable(
    await platform.add({ service, text: service, change: { scaling, ...change } }),
  );
};

interface Answer {
  readonly status: number;
  readonly text: string;
}
const get = (path: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const req = request({ host: "127.0.0.1", port: gateway.publicPort, path }, (res) => {
      let text = "";
      res.on("data", (chunk) => (text += String(chunk)));
      res.on("end", () => resolve({ status: res.statusCode ?? 0, text }));
    });
    req.on("error", reject);
    req.end();
  });
/** A request that wakes what sleeps: passes go on until it is answered. */
const wake = async (path: string): Promise<Answer> => {
  let answer: Answer | null = null;
  const asked = get(path).then((got) => (answer = got));
  await passUntil(`${path} is answered`, () => answer !== null);
  return asked;
};

test("nothing runs before somebody asks, the first who asks is answered, and idle it ends", async () => {
  await add("shop");
  await pass();
  await pass();
  expect(isOff("shop-1")).toBe(true);
  expect(open.world.asleep.has("shop-1")).toBe(true);
  expect(await wake("/api/shop/look")).toEqual({ status: 200, text: "shop" });
  expect(isReady("shop-1")).toBe(true);
  expect(open.world.asleep.size).toBe(0);
  skippedMs += 59_000;
  await pass();
  expect(isReady("shop-1")).toBe(true);
  // Asked again, its time begins again.
  expect((await get("/api/shop/look")).status).toBe(200);
  await pass();
  skippedMs += 59_000;
  await pass();
  expect(isReady("shop-1")).toBe(true);
  skippedMs += 2_000;
  await passUntil("shop is off", () => isOff("shop-1"));
  expect((await wake("/api/shop/look")).status).toBe(200);
});

test("a request that comes while it falls asleep is answered by the instance that is there", async () => {
  await add("shop");
  await pass();
  await wake("/api/shop/look");
  const [before] = instancesOf("shop-1");
  skippedMs += 61_000;
  // Taken out of the gateway's configuration, and still there.
  await pass();
  expect(open.world.asleep.has("shop-1")).toBe(true);
  expect(isReady("shop-1")).toBe(true);
  expect((await wake("/api/shop/look")).status).toBe(200);
  expect(instancesOf("shop-1")).toMatchObject([{ instance: before?.instance, restarts: 0 }]);
});

test("what is being answered keeps it awake", async () => {
  const gate = join(platform.home, "gate");
  const before = `
const hold = (reply) =>
  existsSync(${JSON.stringify(gate)}) ? reply.end("held") : setTimeout(hold, 20, reply);
process.nextTick(() => {
  server.removeAllListeners("request");
  server.on("request", ({ url }, reply) => (url === "/look" ? hold(reply) : reply.end()));
});`;
  await platform.stable(
    await platform.add({ service: "shop", text: "1", before, change: { scaling } }),
  );
  await pass();
  const asked = get("/api/shop/look");
  const isHeld = (): boolean => gateway.state().services[0]?.revisions[0]?.inFlight === 1;
  await passUntil("the request is at the instance", isHeld);
  skippedMs += 600_000;
  for (let i = 0; i < 5; i++) await pass();
  expect(isReady("shop-1")).toBe(true);
  await openGate(gate);
  expect(await asked).toEqual({ status: 200, text: "held" });
});

test("who wakes wakes what it calls, through other services, and nobody else", async () => {
  await add("shop", { calls: ["payments"] });
  await add("payments", { calls: ["ledger", "shop"] });
  await add("ledger");
  await add("bakery", { calls: ["shop"] });
  await pass();
  await wake("/api/shop/look");
  await passUntil("all that is called is ready", () =>
    ["payments-1", "ledger-1"].every((revision) => isReady(revision)),
  );
  expect(isOff("bakery-1")).toBe(true);
  // They were woken, not asked: they fall asleep in their own time.
  skippedMs += 61_000;
  await passUntil("all is off", () =>
    ["shop-1", "payments-1", "ledger-1"].every((revision) => isOff(revision)),
  );
});

test("a rollout wakes both revisions and keeps them awake until it is over", async () => {
  const one = await platform.add({ service: "shop", text: "1", change: { scaling } });
  const two = await platform.add({ service: "shop", text: "2", change: { scaling } });
  await platform.stable(one);
  await pass();
  expect(isOff("shop-1")).toBe(true);
  await platform.rollout(one, two, stateOf(one, two, { name: "progressing", weight: 25 }));
  const both = ["shop-1", "shop-2"];
  await passUntil("both are ready", () => both.every(isReady));
  skippedMs += 600_000;
  for (let i = 0; i < 5; i++) await pass();
  expect(both.every(isReady)).toBe(true);
  await platform.database.pool.query("update rollouts set finished_at = now()");
  await passUntil("both are off", () => both.every(isOff));
});

test("while the gateway is away nobody is switched off, and a new control leaves all as it was", async () => {
  await add("shop");
  await add("bakery");
  await pass();
  expect((await wake("/api/shop/look")).status).toBe(200);
  await platform.stopGateway();
  skippedMs += 600_000;
  for (let i = 0; i < 5; i++) await pass();
  expect(isReady("shop-1")).toBe(true);
  await open.close();
  gateway = await platform.restartGateway();
  open = await platform.openWorld({}, clock);
  await passUntil("shop is adopted", () => isReady("shop-1"));
  for (let i = 0; i < 3; i++) await pass();
  expect(isReady("shop-1")).toBe(true);
  expect(isOff("bakery-1")).toBe(true);
});

test("a service that may not sleep has an instance, asked or not", async () => {
  await add("shop", { scaling: { ...scaling, instancesMin: 1 } });
  await passUntil("shop is ready", () => isReady("shop-1"));
  skippedMs += 600_000;
  for (let i = 0; i < 5; i++) await pass();
  expect(isReady("shop-1")).toBe(true);
});
