import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { revision, route, service, startFixture } from "./testing/fixture.ts";
import type { Fixture } from "./testing/fixture.ts";
import type { Upstream } from "./testing/upstream.ts";

let fixture: Fixture;
let pay: Upstream;

beforeAll(async () => {
  fixture = await startFixture();
  pay = await fixture.upstream({ service: "pay", instance: "ins_1" });
  const routes = [
    route("GET /x"),
    route("POST /small", { bodyBytesMax: 1_000 }),
    route("POST /large", { bodyBytesMax: 200_000 }),
  ];
  await fixture.configure([service("pay", [revision("pay-1", routes, [pay])])]);
});
beforeEach(() => {
  pay.received.length = 0;
});
afterAll(() => fixture.close());

/** Sends bytes as they are and reads until the gateway closes or has answered `answers` times. */
function raw(text: string, answers = 1): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(fixture.gateway.publicPort, "127.0.0.1");
    let received = "";
    socket.setTimeout(4_000, () => socket.destroy(new Error(`no answer, only: ${received}`)));
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      if (received.split("HTTP/1.1 ").length - 1 >= answers) socket.end();
    });
    socket.on("close", () => resolve(received));
    socket.on("error", reject);
    socket.write(text, "latin1");
  });
}
const statusOf = (answer: string): number => Number(answer.slice(9, 12));

describe("sizes", () => {
  test.each([
    ["/api/pay/small", 1_001, false],
    ["/api/pay/small", 1_001, true],
    ["/api/pay/large", 200_001, false],
    ["/api/pay/large", 200_001, true],
  ])("a body for %s of %d bytes is refused (chunked: %s)", async (path, size, chunked) => {
    const headers: Record<string, string> = chunked ? { "transfer-encoding": "chunked" } : {};
    const body = "x".repeat(size);
    const reply = await fixture.send(path, { method: "POST", body, headers });
    expect([reply.status, reply.json["code"]]).toEqual([413, "BODY_TOO_LARGE"]);
    expect(pay.received).toHaveLength(0);
    const counters = fixture.gateway.state().services[0]?.revisions[0];
    expect(counters).toMatchObject({ bad: 0, lost: 0 });
  });

  test("bodies at the limit pass", async () => {
    for (const [path, size] of [
      ["small", 1_000],
      ["large", 200_000],
    ] as const) {
      const body = "x".repeat(size);
      expect((await fixture.send(`/api/pay/${path}`, { method: "POST", body })).status).toBe(200);
    }
  });

  test("headers above 16 KiB and addresses above 8 KiB are refused", async () => {
    const large = await raw(
      `GET /api/pay/x HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(17_000)}\r\n\r\n`,
    );
    expect(statusOf(large)).toBe(431);
    expect(large).toContain("HEADERS_TOO_LARGE");
    const long = await fixture.send(`/api/pay/x?${"q".repeat(8_200)}`);
    expect([long.status, long.json["code"]]).toEqual([414, "URL_TOO_LONG"]);
  });
});

describe("framing", () => {
  const smuggled = "GET /api/pay/x?smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
  const post = "POST /api/pay/large HTTP/1.1\r\nhost: a\r\n";

  test.each([
    [
      "content-length and chunked",
      `${post}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ["two different lengths", `${post}content-length: 5\r\ncontent-length: 6\r\n\r\nhello`],
    ["a bad length", `${post}content-length: 5x\r\n\r\nhello`],
    ["chunked in another spelling", `${post}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ["chunked and something after", `${post}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
    ["a bad chunk size", `${post}transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n`],
    [
      "a chunk longer than stated",
      `${post}transfer-encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n`,
    ],
    ["a space before the colon", `${post}content-length : 5\r\n\r\nhello`],
    ["a folded header", `${post}x: 1\r\n content-length: 5\r\n\r\n`],
    ["a bare line feed", "GET /api/pay/x HTTP/1.1\nhost: a\n\n"],
    ["a null in a header", `${post}x: a\u0000b\r\n\r\n`],
  ])("%s is refused, and nothing behind it is read", async (_, text) => {
    const answer = await raw(text + smuggled, 2);
    expect(statusOf(answer)).toBe(400);
    expect(answer.split("HTTP/1.1 ")).toHaveLength(2);
    expect(pay.received.filter((one) => one.url.includes("smuggled"))).toHaveLength(0);
  });

  test("a request without a host is refused", async () => {
    const answer = await raw("GET /api/pay/x HTTP/1.1\r\n\r\n");
    expect(answer).toContain("REQUEST_MALFORMED");
    expect(pay.received).toHaveLength(0);
  });

  test("two requests on one connection get two answers in order", async () => {
    const body = "POST /api/pay/small HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
    const answer = await raw(body + smuggled, 2);
    expect(answer.split("HTTP/1.1 200")).toHaveLength(3);
    expect(pay.received.map((one) => one.url)).toEqual(["/small", "/x?smuggled"]);
  });
});

describe("expectations and upgrades", () => {
  test("who waits for 100-continue gets it when the request is welcome, a refusal when not", async () => {
    const head = "HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n";
    const answer = await raw(`POST /api/pay/small ${head}content-length: 2\r\n\r\nhi`, 2);
    expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200/);
    const refused = await raw(`POST /api/pay/small ${head}content-length: 2000\r\n\r\n`);
    expect(statusOf(refused)).toBe(413);
    const other = await raw("GET /api/pay/x HTTP/1.1\r\nhost: a\r\nexpect: miracles\r\n\r\n");
    expect(statusOf(other)).toBe(417);
  });

  test("an upgrade is refused with a code", async () => {
    const headers = { connection: "upgrade", upgrade: "websocket" };
    const reply = await fixture.send("/api/pay/x", { headers });
    expect([reply.status, reply.json["code"]]).toEqual([501, "UPGRADE_UNSUPPORTED"]);
    expect(statusOf(await raw("CONNECT evil:443 HTTP/1.1\r\nhost: evil\r\n\r\n"))).toBe(501);
  });
});
