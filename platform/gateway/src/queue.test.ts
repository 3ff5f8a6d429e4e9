import { until } from "@tideway/kernel";
import { Agent, request } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RevisionCounters, ServiceCounters } from "./config.ts";
import { QUEUE_REQUESTS_MAX } from "./limits.ts";
import { revision, route, service, startFixture } from "./testing/fixture.ts";
import type { Fixture } from "./testing/fixture.ts";
import type { Upstream } from "./testing/upstream.ts";

const routes = [
  route("GET /x"),
  route("GET /quick", { deadlineMs: 150 }),
  route("POST /quick", { deadlineMs: 150 }),
];

let fixture: Fixture;
let pay: Upstream;

const counters = (): ServiceCounters | undefined => fixture.gateway.state().services[0];
const first = (): RevisionCounters | undefined => counters()?.revisions[0];
const waitingFor = (count: number): Promise<unknown> =>
  until(() => counters()?.queued === count, { deadlineMs: 5_000, what: `${count} waiting` });

beforeEach(async () => {
  fixture = await startFixture();
  pay = await fixture.upstream({ service: "pay", instance: "ins_1" });
});
afterEach(() => fixture.close());

describe("without an endpoint", () => {
  test("requests wait, and go on as soon as there is one", async () => {
    await fixture.configure([service("pay", [revision("pay-1", routes, [])])]);
    const waiting = Array.from({ length: 50 }, () => fixture.send("/api/pay/x"));
    await waitingFor(50);
    await fixture.configure([service("pay", [revision("pay-1", routes, [pay])])]);
    const replies = await Promise.all(waiting);
    expect(replies.every((reply) => reply.status === 200)).toBe(true);
    expect(counters()?.queued).toBe(0);
  });

  test("those who wait for a withdrawn candidate go to stable", async () => {
    const stable = revision("pay-1", routes, [pay]);
    await fixture.configure([service("pay", [stable, revision("pay-2", routes, [])], 100)]);
    const waiting = fixture.send("/api/pay/x");
    await waitingFor(1);
    await fixture.configure([service("pay", [stable])]);
    const reply = await waiting;
    expect([reply.status, reply.headers["tideway-revision"]]).toEqual([200, "pay-1"]);
  });

  test("the deadline ends the wait, and counts against the revision", async () => {
    await fixture.configure([service("pay", [revision("pay-1", routes, [])])]);
    const reply = await fixture.send("/api/pay/quick");
    expect([reply.status, reply.json["code"]]).toEqual([504, "DEADLINE_EXCEEDED"]);
    expect(first()).toMatchObject({ requests: 1, bad: 1, timeouts: 1 });
    expect(counters()?.queued).toBe(0);
  });

  test("above 1,000 waiting requests the next is turned away at once", async () => {
    await fixture.configure([service("pay", [revision("pay-1", routes, [])])]);
    const agent = new Agent({ keepAlive: true });
    const waiting = Array.from({ length: QUEUE_REQUESTS_MAX }, () =>
      fixture.send("/api/pay/x", { agent }),
    );
    await waitingFor(QUEUE_REQUESTS_MAX);
    const reply = await fixture.send("/api/pay/x");
    expect([reply.status, reply.json["code"]]).toEqual([503, "OVERLOADED"]);
    expect(reply.headers["retry-after"]).toBe("1");
    await fixture.configure([service("pay", [revision("pay-1", routes, [pay])])]);
    const replies = await Promise.all(waiting);
    expect(replies.filter((one) => one.status === 200)).toHaveLength(QUEUE_REQUESTS_MAX);
    agent.destroy();
  });

  test("a client that leaves the queue is forgotten and labelled at nobody", async () => {
    await fixture.configure([service("pay", [revision("pay-1", routes, [])])]);
    const req = request({
      host: "127.0.0.1",
      port: fixture.gateway.publicPort,
      path: "/api/pay/x",
    });
    req.on("error", () => undefined);
    req.end();
    await waitingFor(1);
    req.destroy();
    await waitingFor(0);
    expect(first()).toMatchObject({ requests: 0, bad: 0 });
  });
});

describe("deadlines", () => {
  test("an instance that does not answer is given up, aborted, and bad", async () => {
    let aborted = 0;
    pay.respond = (_, res) => {
      res.on("close", () => aborted++);
    };
    await fixture.configure([service("pay", [revision("pay-1", routes, [pay])])]);
    const reply = await fixture.send("/api/pay/quick");
    expect([reply.status, reply.json["code"]]).toEqual([504, "DEADLINE_EXCEEDED"]);
    await until(() => aborted === 1, { deadlineMs: 2_000, what: "the abort" });
    expect(first()).toMatchObject({ requests: 1, bad: 1, timeouts: 1, inFlight: 0 });
  });

  test("a client that is slow to send is told so; the instance is not blamed", async () => {
    await fixture.configure([service("pay", [revision("pay-1", routes, [pay])])]);
    for (const sent of [10, 100_000]) {
      const status = await new Promise((resolve, reject) => {
        const req = request({
          host: "127.0.0.1",
          port: fixture.gateway.publicPort,
          path: "/api/pay/quick",
          method: "POST",
          headers: { "content-length": "200000" },
        });
        req.on("response", (res) => {
          res.resume();
          resolve(res.statusCode);
        });
        req.on("error", reject);
        req.write("x".repeat(sent));
      });
      expect(status).toBe(408);
    }
    expect(first()).toMatchObject({ requests: 0, bad: 0 });
  });

  test("a client that goes away aborts the instance's work and is labelled at nobody", async () => {
    let aborted = 0;
    pay.respond = (_, res) => {
      res.on("close", () => aborted++);
    };
    await fixture.configure([service("pay", [revision("pay-1", routes, [pay])])]);
    const req = request({
      host: "127.0.0.1",
      port: fixture.gateway.publicPort,
      path: "/api/pay/x",
    });
    req.on("error", () => undefined);
    req.end();
    await until(() => pay.received.length === 1, { deadlineMs: 2_000, what: "the request" });
    req.destroy();
    await until(() => aborted === 1, { deadlineMs: 2_000, what: "the abort" });
    await until(() => first()?.inFlight === 0, { deadlineMs: 2_000, what: "nothing in flight" });
    expect(first()).toMatchObject({ requests: 0, bad: 0 });
  });
});

describe("streams", () => {
  test("the head and each piece arrive while the answer goes on", async () => {
    let finish: () => void = () => undefined;
    pay.respond = (_, res) => {
      res.writeHead(200, { "content-type": "text/event-stream" });
      res.flushHeaders();
      finish = () => res.end("data: 2\n\n");
    };
    await fixture.configure([service("pay", [revision("pay-1", routes, [pay])])]);
    const text = await new Promise<string>((resolve, reject) => {
      const port = fixture.gateway.publicPort;
      const req = request({ host: "127.0.0.1", port, path: "/api/pay/x" }, (res) => {
        let text = "";
        res.on("data", (chunk: Buffer) => (text += chunk.toString()));
        res.on("end", () => resolve(text));
        // The head came first: only now is the rest written.
        finish();
      });
      req.on("error", reject);
      req.end();
    });
    expect(text).toBe("data: 2\n\n");
  });

  test("a client that does not read holds the instance back", async () => {
    let written = 0;
    const total = 64 * 1_048_576;
    pay.respond = (_, res) => {
      res.writeHead(200, { "content-length": String(total) });
      const piece = Buffer.alloc(65_536);
      const more = (): void => {
        while (written < total) {
          written += piece.length;
          if (!res.write(piece)) {
            res.once("drain", more);
            return;
          }
        }
        res.end();
      };
      more();
    };
    await fixture.configure([service("pay", [revision("pay-1", routes, [pay])])]);
    const read = await new Promise<number>((resolve, reject) => {
      const port = fixture.gateway.publicPort;
      const req = request({ host: "127.0.0.1", port, path: "/api/pay/x" }, (res) => {
        let before = -1;
        const settled = until(
          () => {
            const stands = written === before;
            before = written;
            return stands;
          },
          { deadlineMs: 5_000, intervalMs: 200, what: "the writer standing still" },
        );
        settled.then(() => {
          expect(written).toBeLessThan(total / 2);
          let bytes = 0;
          res.on("data", (chunk: Buffer) => (bytes += chunk.length));
          res.on("end", () => resolve(bytes));
        }, reject);
      });
      req.on("error", reject);
      req.end();
    });
    expect(read).toBe(total);
  });
});
