/** On a real gateway: whoever waits for a service that sleeps is noticed at once. */
import { request } from "node:http";
import type { Gateway } from "@tideway/gateway";
import { until } from "@tideway/kernel";
import { afterEach, beforeEach, expect, test } from "vitest";
import { followDemand } from "./demand-follower.ts";
import { openTestPlatform } from "./test/platform.ts";
import type { TestPlatform } from "./test/platform.ts";

let platform: TestPlatform;
let gateway: Gateway;
let wakes = 0;
const ending = { controller: new AbortController(), done: Promise.resolve() };

const route = { name: "look", method: "GET", path: "/look", auth: "public" } as const;
const configure = async (epoch: number): Promise<void> => {
  const routes = [
    { ...route, exposure: "public", idempotent: false, deadlineMs: 500, bodyBytesMax: 0 } as const,
  ];
  const split = { stable: "shop-1", candidate: null, weight: 0, rollout: null };
  const revisions = [{ id: "shop-1", routes, calls: [], grants: [], endpoints: [] }];
  await platform.gateway.putConfig({
    epoch,
    services: [{ name: "shop", enforcesGrants: false, split, revisions }],
    apps: [],
    tokens: { service: "identity", path: "/keys", issuer: "identity" },
  });
};
const look = (): void => {
  const asked = request({ host: "127.0.0.1", port: gateway.publicPort, path: "/api/shop/look" });
  asked.on("response", (reply) => reply.resume());
  asked.on("error", () => undefined).end();
};
const wokenTimes = (count: number): Promise<unknown> =>
  until(() => wakes >= count, { deadlineMs: 5_000, what: `${count} wakes` });

beforeEach(async () => {
  platform = await openTestPlatform();
  gateway = await platform.restartGateway();
  await configure(1);
  wakes = 0;
  ending.controller = new AbortController();
  ending.done = followDemand(platform.gateway, () => wakes++, ending.controller.signal);
});
afterEach(async () => {
  ending.controller.abort();
  await ending.done;
  await platform.close();
});

test("each time that somebody begins to wait it wakes, and nobody waiting it does not", async () => {
  look();
  await wokenTimes(1);
  look();
  await wokenTimes(2);
  expect(wakes).toBe(2);
});

test("a gateway that was away is followed again", async () => {
  await platform.stopGateway();
  gateway = await platform.restartGateway();
  await until(
    () => {
      look();
      return wakes > 0;
    },
    { deadlineMs: 8_000, intervalMs: 200, what: "it wakes" },
  );
  expect(wakes).toBeGreaterThan(0);
});

test("it ends when it is told to, though nobody asks", async () => {
  ending.controller.abort();
  await ending.done;
  look();
  expect(wakes).toBe(0);
});
