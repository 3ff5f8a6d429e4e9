/** A reply that is not as its own api says: its reader gets it, and its revision answers for it. */
import { until } from "@tideway/kernel";
import { VIOLATION_HEADER } from "@tideway/schema";
import { afterEach, beforeEach, expect, test } from "vitest";
import { revision, route, service, startFixture } from "./testing/fixture.ts";
import type { Fixture } from "./testing/fixture.ts";
import type { Respond } from "./testing/upstream.ts";

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startFixture();
});
afterEach(() => fixture.close());

const violating: Respond = (_, res) => {
  res.writeHead(200, { "content-type": "application/json", [VIOLATION_HEADER]: "GET /x" });
  res.end('{"count":"7"}');
};

test("it is sent on unchanged without the header, and is bad for the revision that gave it", async () => {
  const routes = [route("GET /x")];
  const stable = await fixture.upstream({ service: "pay", instance: "ins_1" });
  const candidate = await fixture.upstream({
    service: "pay",
    instance: "ins_2",
    respond: violating,
  });
  const revisions = [revision("pay-1", routes, [stable]), revision("pay-2", routes, [candidate])];
  const config = service("pay", revisions, 100);
  await fixture.configure([{ ...config, split: { ...config.split, rollout: "rol_1" } }]);
  const answer = await fixture.send("/api/pay/x");
  expect(answer.status).toBe(200);
  expect(answer.text).toBe('{"count":"7"}');
  expect(answer.headers[VIOLATION_HEADER]).toBeUndefined();
  const bad = await until(
    () => fixture.gateway.evidence("pay", "rol_1", 0).records.find(({ kind }) => kind === "bad"),
    { deadlineMs: 5_000, what: "the answer is labelled" },
  );
  expect(bad).toMatchObject({ lane: "candidate", route: "GET /x", status: 200, reason: "5xx" });
});
