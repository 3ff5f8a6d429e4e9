/** What a client or an instance sends on purpose to spoil it for others. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { Server } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RevisionCounters } from "./config.ts";
import { revision, route, service, startFixture } from "./testing/fixture.ts";
import type { Fixture } from "./testing/fixture.ts";

let fixture: Fixture;
let servers: Server[] = [];

beforeEach(async () => {
  fixture = await startFixture();
});
afterEach(async () => {
  await fixture.close();
  for (const server of servers) server.close();
  servers = [];
});

const routes = [route("GET /x"), route("POST /x")];
const counters = (): RevisionCounters | undefined =>
  fixture.gateway.state().services[0]?.revisions[0];

test("a header that only one of the two parsers takes spoils nothing but its own request", async () => {
  const pay = await fixture.upstream({ service: "pay", instance: "ins_1" });
  await fixture.configure([service("pay", [revision("pay-1", routes, [pay])])]);
  for (const text of [
    "GET /api/pay/x HTTP/1.1\r\nhost: a\r\nx: a\u007fb\r\n\r\n",
    "GET /api/pay/x?\u007f HTTP/1.1\r\nhost: a\r\n\r\n",
    "GET /api/pay/x?\u0080\u00ff HTTP/1.1\r\nhost: a\r\n\r\n",
  ]) {
    const socket = connect(fixture.gateway.publicPort, "127.0.0.1");
    socket.write(text, "latin1");
    const [answer] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    expect(answer.toString("latin1")).toMatch(/^HTTP\/1\.1 (?:200|400) /);
  }
  expect(counters()).toMatchObject({ bad: 0, lost: 0 });
  expect(counters()?.endpoints[0]?.healthy).toBe(true);
  expect((await fixture.send("/api/pay/x")).status).toBe(200);
});

test.each([
  [
    "a control character in a header",
    "HTTP/1.1 200 OK\r\nx: a\u007fb\r\ncontent-length: 2\r\n\r\n{}",
  ],
  [
    "the same before a stream",
    "HTTP/1.1 200 OK\r\nx: a\u0001b\r\ntransfer-encoding: chunked\r\n\r\n",
  ],
  ["the same without a body", "HTTP/1.1 204 No Content\r\nx: a\u007fb\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"],
  ["something that is not HTTP", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["headers without end", `HTTP/1.1 200 OK\r\nx: ${"y".repeat(20_000)}\r\n\r\n`],
  [
    "an upgrade nobody asked for",
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
  ],
])("an instance that answers %s fails alone", async (_, answer) => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      const isProbe = data.toString("latin1").startsWith("GET /ready");
      socket.write(isProbe ? "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" : answer, "latin1");
    });
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const key = "ab".repeat(32);
  const endpoint = {
    instance: "ins_1",
    url: `http://127.0.0.1:${port}`,
    authHash: key,
    assertionKey: key,
  };
  await fixture.configure([service("pay", [revision("pay-1", routes, [endpoint])])]);
  const reply = await fixture.send("/api/pay/x", { method: "POST", body: "1" });
  expect([reply.status, reply.json["code"]]).toEqual([502, "UPSTREAM_RESET"]);
  expect(counters()).toMatchObject({ requests: 1, bad: 1, inFlight: 0 });
  expect((await fixture.send("/health")).status).toBe(200);
});
