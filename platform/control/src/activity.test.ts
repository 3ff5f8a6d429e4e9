import { expect, test } from "vitest";
import type { GatewayState } from "@tideway/gateway";
import { createActivity } from "./activity.ts";

let nowMs = 1_000;
const clock = { now: () => nowMs, monotonic: () => nowMs };
const measured = (
  requests: number,
  change: { inFlight?: number; queued?: number; endpoints?: number } = {},
): GatewayState => ({
  bootId: "boot",
  epoch: 1,
  startedAtMs: 0,
  services: [
    {
      service: "shop",
      queued: change.queued ?? 0,
      people: { seen: 0, bad: 0 },
      revisions: [
        {
          revision: "shop-1",
          requests,
          bad: 0,
          status2xx: requests,
          status4xx: 0,
          status5xx: 0,
          timeouts: 0,
          lost: 0,
          inFlight: change.inFlight ?? 0,
          latency: [],
          endpoints: Array.from({ length: change.endpoints ?? 1 }, (_, index) => {
            return { instance: `ins_${index}`, healthy: true, inFlight: 0 };
          }),
        },
      ],
    },
  ],
});
const opened = () => {
  const activity = createActivity(clock);
  const observe = (gateway: GatewayState | null): number | null => {
    activity.observe(gateway, ["shop-1"]);
    return activity.idleMs("shop-1");
  };
  return { ...activity, observe };
};

test("time counts from the last request, or the last moment that one was under way or waited", () => {
  const activity = opened();
  expect(activity.observe(measured(5))).toBe(0);
  nowMs += 40;
  expect(activity.observe(measured(5))).toBe(40);
  for (const busy of [measured(6), measured(6, { inFlight: 1 }), measured(6, { queued: 1 })]) {
    nowMs += 40;
    expect(activity.observe(busy)).toBe(0);
  }
  nowMs += 40;
  expect(activity.observe(measured(6))).toBe(40);
});

test("a control that starts takes what has no endpoint for asleep, what has one for just asked", () => {
  expect(opened().observe(measured(9, { endpoints: 0 }))).toBe(Infinity);
  expect(opened().observe(measured(9))).toBe(0);
  expect(opened().observe(measured(0, { endpoints: 0, queued: 1 }))).toBe(0);
  expect(opened().observe(null)).toBeNull();
});

test("while the gateway is away nothing grows idle, and after its restart nothing is known", () => {
  const activity = opened();
  activity.observe(measured(5));
  nowMs += 10;
  activity.observe(measured(5));
  nowMs += 1_000_000;
  expect(activity.observe(null)).toBe(10);
  nowMs += 5;
  expect(activity.observe(measured(5))).toBe(15);
  expect(activity.observe(measured(0))).toBe(0);
});

test("what is touched counts as asked, also when it was never seen", () => {
  const activity = opened();
  activity.observe(measured(5, { endpoints: 0 }));
  activity.touch("shop-1");
  activity.touch("bakery-1");
  nowMs += 7;
  expect([activity.idleMs("shop-1"), activity.idleMs("bakery-1")]).toEqual([7, 7]);
});

test("a revision that is no longer wanted is forgotten", () => {
  const activity = opened();
  activity.observe(measured(5));
  activity.observe(measured(5));
  createActivity(clock).observe(measured(5), []);
  const other = createActivity(clock);
  other.observe(measured(5), ["shop-1"]);
  other.observe(measured(5), []);
  expect(other.idleMs("shop-1")).toBeNull();
});
