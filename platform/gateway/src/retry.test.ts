import { until } from "@tideway/kernel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RevisionCounters } from "./config.ts";
import { revision, route, service, startFixture } from "./testing/fixture.ts";
import type { Fixture } from "./testing/fixture.ts";
import type { Respond, Upstream } from "./testing/upstream.ts";

/** Breaks the connection without an answer, after the request has arrived. */
const cut: Respond = (_, __, req) => {
  req.socket.destroy();
};
const routes = [route("GET /x"), route("POST /x", { deadlineMs: 3_000 })];

let fixture: Fixture;
let good: Upstream;
let broken: Upstream;

const countersOf = (id: string): RevisionCounters | undefined =>
  fixture.gateway
    .state()
    .services.flatMap((one) => one.revisions)
    .find((one) => one.revision === id);

beforeEach(async () => {
  fixture = await startFixture();
  good = await fixture.upstream({ service: "pay", instance: "ins_good" });
  broken = await fixture.upstream({ service: "pay", instance: "ins_broken" });
});
afterEach(() => fixture.close());

describe("a refused connection", () => {
  test("is tried again at another endpoint, for any method and any body", async () => {
    await broken.close();
    await fixture.configure([service("pay", [revision("pay-1", routes, [broken, good])])]);
    for (const size of [0, 100, 200_000]) {
      for (let i = 0; i < 5; i++) {
        const reply = await fixture.send("/api/pay/x", { method: "POST", body: "x".repeat(size) });
        expect(reply.status).toBe(200);
      }
    }
    expect(good.received).toHaveLength(15);
    expect(good.received.at(-1)?.body).toHaveLength(200_000);
  });

  test("takes the endpoint out until it is ready again", async () => {
    const port = Number(new URL(broken.endpoint.url).port);
    await broken.close();
    await fixture.configure([service("pay", [revision("pay-1", routes, [broken])])]);
    const waiting = fixture.send("/api/pay/x", { method: "POST", body: "1" });
    const healthy = (): boolean | undefined => countersOf("pay-1")?.endpoints[0]?.healthy;
    await until(() => healthy() === false, { deadlineMs: 3_000, what: "unhealthy" });
    const { secret } = broken;
    const back = await fixture.upstream({ service: "pay", instance: "ins_back", port, secret });
    await until(() => healthy() === true, { deadlineMs: 4_000, what: "healthy again" });
    // What could not be sent has waited, and is sent now.
    expect((await waiting).status).toBe(200);
    expect(back.received.map((one) => one.body)).toEqual(["1"]);
  });

  test("of the candidate's only endpoint goes to stable, and is the candidate's fault", async () => {
    await broken.close();
    await fixture.configure([
      service("pay", [revision("pay-1", routes, [good]), revision("pay-2", routes, [broken])], 100),
    ]);
    const reply = await fixture.send("/api/pay/x", { method: "POST", body: "1" });
    expect([reply.status, reply.headers["tideway-revision"]]).toEqual([200, "pay-1"]);
    expect(countersOf("pay-2")).toMatchObject({ requests: 1, bad: 1, lost: 1 });
    expect(countersOf("pay-1")).toMatchObject({ requests: 0 });
  });
});

describe("a connection lost after the request went out", () => {
  test("fails a POST, which may have had its effect", async () => {
    broken.respond = cut;
    await fixture.configure([service("pay", [revision("pay-1", routes, [broken])])]);
    const reply = await fixture.send("/api/pay/x", { method: "POST", body: "1" });
    expect([reply.status, reply.json["code"]]).toEqual([502, "UPSTREAM_RESET"]);
    expect(broken.received).toHaveLength(1);
    expect(countersOf("pay-1")).toMatchObject({ requests: 1, bad: 1, lost: 1 });
  });

  test("repeats a GET once, elsewhere; the first attempt stays bad", async () => {
    broken.respond = cut;
    await fixture.configure([service("pay", [revision("pay-1", routes, [broken, good])])]);
    for (let i = 0; i < 20; i++) expect((await fixture.send("/api/pay/x")).status).toBe(200);
    expect(broken.received.length + good.received.length).toBeGreaterThan(20);
    expect(countersOf("pay-1")).toMatchObject({ requests: 20, lost: broken.received.length });
  });

  test("is repeated once only", async () => {
    broken.respond = cut;
    await fixture.configure([service("pay", [revision("pay-1", routes, [broken])])]);
    expect((await fixture.send("/api/pay/x")).status).toBe(502);
    expect(broken.received).toHaveLength(2);
    expect(countersOf("pay-1")).toMatchObject({ requests: 1, bad: 1 });
  });

  test("in the middle of an answer cuts the client off too", async () => {
    broken.respond = (_, res, req) => {
      res.writeHead(200, { "content-length": "100" });
      res.write("x".repeat(10), () => req.socket.destroy());
    };
    await fixture.configure([service("pay", [revision("pay-1", routes, [broken, good])])]);
    await fixture.configure([service("pay", [revision("pay-1", routes, [broken])])]);
    await expect(fixture.send("/api/pay/x")).rejects.toThrow(/aborted|hang up|closed/);
    expect(countersOf("pay-1")).toMatchObject({ requests: 1, lost: 1 });
  });
});

test("a 5xx of the instance is handed on, never repeated, and bad", async () => {
  broken.respond = (_, res) => {
    res.writeHead(500, { "content-type": "application/json" });
    res.end('{"code":"X"}');
  };
  await fixture.configure([service("pay", [revision("pay-1", routes, [broken, good])])]);
  await fixture.configure([service("pay", [revision("pay-1", routes, [broken])])]);
  const reply = await fixture.send("/api/pay/x");
  expect([reply.status, reply.json["code"]]).toEqual([500, "X"]);
  expect(broken.received).toHaveLength(1);
  expect(countersOf("pay-1")).toMatchObject({ requests: 1, bad: 1, status5xx: 1, lost: 0 });
});
