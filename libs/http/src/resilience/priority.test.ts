import { platformRoutesOf } from "@tideway/schema";
import type { RouteApi } from "@tideway/schema";
import { Type } from "typebox";
import { expect, test } from "vitest";
import { deliveryPriority, isDelivery, priorityOf } from "./priority.ts";

const route = (changed: Partial<RouteApi>): RouteApi => ({
  method: "GET",
  path: "/things",
  auth: "person",
  exposure: "public",
  summary: "Things.",
  reply: Type.Object({}),
  ...changed,
});

test("a class follows from the method, unless the route declares one", () => {
  expect(priorityOf(route({}))).toBe("read");
  expect(priorityOf(route({ method: "POST" }))).toBe("write");
  expect(priorityOf(route({ method: "DELETE" }))).toBe("write");
  expect(priorityOf(route({ method: "POST", priority: "settle" }))).toBe("settle");
  expect(priorityOf(route({ priority: "batch" }))).toBe("batch");
});

test("deliveries and jobs name their class themselves; other routes of the platform always pass", () => {
  const routes = platformRoutesOf({
    database: true,
    consumes: ["shop.order.made.v1"],
    cron: { sweep: "* * * * *" },
    sagas: [{ name: "buy", version: 1 }],
  });
  const deliveries = Object.keys(routes).filter((name) => {
    const one = routes[name];
    return one !== undefined && isDelivery(one);
  });
  expect(deliveries.toSorted()).toEqual(["deliverEvents", "runJob"]);
  for (const [name, one] of Object.entries(routes)) {
    expect(priorityOf(one), name).toBe(deliveries.includes(name) ? "batch" : "settle");
  }
});

test.each([
  [undefined, "batch"],
  ["u=0", "settle"],
  ["u=1", "settle"],
  ["u=3", "write"],
  ["i, u=4", "write"],
  ["u=5", "batch"],
  ["u=7, i", "batch"],
  ["u=9", "batch"],
  ["nonsense", "batch"],
])("priority: %s is %s", (header, expected) => {
  expect(deliveryPriority(header)).toBe(expected);
});
