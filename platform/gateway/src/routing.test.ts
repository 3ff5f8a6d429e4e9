import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { revision, route, service, startFixture } from "./testing/fixture.ts";
import type { Fixture } from "./testing/fixture.ts";
import type { Upstream } from "./testing/upstream.ts";

let fixture: Fixture;
let payments: Upstream;
let ledger: Upstream;

const routes = [
  route("GET /invoices/:invoiceId"),
  route("POST /invoices"),
  route("GET /invoices/open", { exposure: "internal", auth: "service" }),
  route("PUT /orders/:id/lines/:line"),
];

beforeAll(async () => {
  fixture = await startFixture();
  payments = await fixture.upstream({ service: "payments", instance: "ins_p" });
  ledger = await fixture.upstream({ service: "ledger", instance: "ins_l" });
  const grants = [{ operation: "transfer", debit: 210, credit: 220, code: "purchase" }] as const;
  await fixture.configure([
    service("payments", [
      revision("payments-1", routes, [payments], { calls: ["ledger"], grants }),
    ]),
    service(
      "ledger",
      [revision("ledger-1", [route("POST /transfers", { exposure: "internal" })], [ledger])],
      0,
      { enforcesGrants: true },
    ),
  ]);
});

afterAll(() => fixture.close());

describe("public", () => {
  test("a request reaches the service without its prefix, signed and traced", async () => {
    const reply = await fixture.send("/api/payments/invoices/inv_1?full=1");
    expect(reply.status).toBe(200);
    expect(reply.json["url"]).toBe("/invoices/inv_1?full=1");
    expect(reply.headers["tideway-revision"]).toBe("payments-1");
    expect(reply.headers["tideway-trace"]).toMatch(/^[0-9a-f]{32}$/);
    const received = payments.received.at(-1);
    expect(received?.assertion).toMatchObject({ caller: null, audience: "payments", person: null });
    expect(received?.headers["traceparent"]).toContain(reply.headers["tideway-trace"]);
    expect(Number(received?.headers["tideway-deadline"])).toBeLessThanOrEqual(5_000);
  });

  test("a body arrives whole, small, large and chunked", async () => {
    for (const size of [0, 10, 65_536, 300_000]) {
      for (const chunked of [false, true]) {
        const body = "x".repeat(size);
        const headers: Record<string, string> = chunked ? { "transfer-encoding": "chunked" } : {};
        const reply = await fixture.send("/api/payments/invoices", {
          method: "POST",
          body,
          headers,
        });
        expect(reply.status).toBe(200);
        expect(payments.received.at(-1)?.body).toHaveLength(size);
      }
    }
  });

  test.each([
    ["/api/payments/nothing", "GET", 404, "ROUTE_UNKNOWN"],
    ["/api/nobody/x", "GET", 404, "ROUTE_UNKNOWN"],
    ["/api/", "GET", 404, "ROUTE_UNKNOWN"],
    ["/api/payments/invoices", "GET", 405, "METHOD_NOT_ALLOWED"],
    ["/api/payments/invoices/inv_1", "DELETE", 405, "METHOD_NOT_ALLOWED"],
    ["/api/payments/invoices/", "POST", 404, "ROUTE_UNKNOWN"],
    ["/api/payments/invoices/..", "GET", 404, "ROUTE_UNKNOWN"],
    ["/api/payments/invoices/%2e%2e", "GET", 404, "ROUTE_UNKNOWN"],
    ["/api/payments/invoices/a%2Fb", "GET", 404, "ROUTE_UNKNOWN"],
    ["/api/payments/invoices/%zz", "GET", 404, "ROUTE_UNKNOWN"],
    ["/api/payments/invoices/a#b", "GET", 404, "ROUTE_UNKNOWN"],
    ["/api/ledger/transfers", "POST", 404, "ROUTE_UNKNOWN"],
  ])("%s by %s is refused with %d", async (path, method, status, code) => {
    const before = payments.received.length;
    const reply = await fixture.send(path, { method });
    expect([reply.status, reply.json["code"]]).toEqual([status, code]);
    expect(reply.headers["content-type"]).toBe("application/problem+json");
    expect(reply.json["traceId"]).toBe(reply.headers["tideway-trace"]);
    expect(payments.received).toHaveLength(before);
  });

  test("an internal route is not reached by a parameter beside it, however it is spelled", async () => {
    for (const path of ["open", "%6fpen", "o%70en"]) {
      expect((await fixture.send(`/api/payments/invoices/${path}`)).status).toBe(404);
    }
    expect((await fixture.send("/api/payments/invoices/opened")).status).toBe(200);
  });

  test("405 names what is allowed, and HEAD goes where GET goes", async () => {
    const refused = await fixture.send("/api/payments/invoices/inv_1", { method: "PUT" });
    expect(refused.headers["allow"]).toBe("GET, HEAD");
    const head = await fixture.send("/api/payments/invoices/inv_1", { method: "HEAD" });
    expect([head.status, head.text]).toEqual([200, ""]);
  });

  test("hop-by-hop and forged headers are stripped both ways", async () => {
    payments.respond = (_, res) => {
      res.setHeader("connection", "keep-alive, x-secret-hop");
      res.setHeader("x-secret-hop", "1");
      res.setHeader("tideway-revision", "forged-9");
      res.setHeader("set-cookie", ["a=1", "b=2"]);
      res.end("{}");
    };
    const reply = await fixture.send("/api/payments/invoices/inv_1", {
      headers: {
        connection: "close, x-mine",
        "x-mine": "1",
        te: "trailers",
        "proxy-authorization": "Basic eA==",
        "x-forwarded-for": "6.6.6.6",
        "x-forwarded-host": "evil",
        forwarded: "for=6.6.6.6",
        "tideway-assertion": "v1.forged.forged",
        "tideway-instance": "ins_p:guess",
        "tideway-deadline": "1",
        "tideway-anything": "1",
        traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
        "x-kept": "yes",
      },
    });
    const headers = payments.received.at(-1)?.headers ?? {};
    for (const name of ["x-mine", "te", "proxy-authorization", "x-forwarded-host", "forwarded"]) {
      expect(headers[name]).toBeUndefined();
    }
    expect(headers["tideway-instance"]).toBeUndefined();
    expect(headers["tideway-anything"]).toBeUndefined();
    expect(headers["x-forwarded-for"]).toBe("127.0.0.1");
    expect(headers["x-kept"]).toBe("yes");
    expect(Number(headers["tideway-deadline"])).toBeGreaterThan(1_000);
    expect(headers["traceparent"]).not.toContain("aaaa");
    expect(reply.headers["x-secret-hop"]).toBeUndefined();
    expect(reply.headers["tideway-revision"]).toBe("payments-1");
    expect(reply.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  });
});

describe("internal", () => {
  const asPayments = (): Record<string, string> => ({
    "tideway-instance": `ins_p:${payments.secret}`,
  });

  test("a service reaches what it declared, with its name, grants and trace", async () => {
    const traceId = "c".repeat(32);
    const reply = await fixture.call("/api/ledger/transfers", {
      method: "POST",
      body: "{}",
      headers: {
        ...asPayments(),
        "tideway-deadline": "700",
        traceparent: `00-${traceId}-${"b".repeat(16)}-01`,
      },
    });
    expect(reply.status).toBe(200);
    const received = ledger.received.at(-1);
    expect(received?.assertion).toMatchObject({
      caller: "payments",
      revision: "payments-1",
      instance: "ins_p",
      grants: [{ operation: "transfer", debit: 210, credit: 220, code: "purchase" }],
    });
    expect(received?.headers["traceparent"]).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    expect(received?.headers["traceparent"]).not.toContain("b".repeat(16));
    expect(Number(received?.headers["tideway-deadline"])).toBeLessThanOrEqual(700);
  });

  test("no header, another secret or another instance is nobody", async () => {
    const path = "/api/ledger/transfers";
    for (const value of [null, "ins_p", `ins_p:${ledger.secret}`, `ins_x:${payments.secret}`]) {
      const headers: Record<string, string> = value === null ? {} : { "tideway-instance": value };
      const reply = await fixture.call(path, { method: "POST", headers });
      expect([reply.status, reply.json["code"]]).toEqual([401, "CALLER_UNKNOWN"]);
    }
  });

  test("what a service did not declare is forbidden to it", async () => {
    const reply = await fixture.call("/api/payments/invoices/inv_1", {
      headers: { "tideway-instance": `ins_l:${ledger.secret}` },
    });
    expect([reply.status, reply.json["code"]]).toEqual([403, "CALLER_FORBIDDEN"]);
  });

  test("browsers and other hosts are turned away", async () => {
    const origin = { ...asPayments(), origin: "http://localhost:8080" };
    const host = { ...asPayments(), host: "attacker.example" };
    const path = "/api/ledger/transfers";
    expect((await fixture.call(path, { method: "POST", headers: origin })).json["code"]).toBe(
      "ORIGIN_FORBIDDEN",
    );
    expect((await fixture.call(path, { method: "POST", headers: host })).json["code"]).toBe(
      "HOST_FORBIDDEN",
    );
  });
});
