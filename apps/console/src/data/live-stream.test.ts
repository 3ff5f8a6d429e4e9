/** Against a real HTTP server: what a browser's fetch would meet, broken connections included. */
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "@tideway/kernel";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { eventParser, readLiveStream } from "./live-stream.ts";
import type { LiveState } from "./live-stream.ts";

let respond: (response: ServerResponse) => void = (response) => response.end();
const server = createServer((_, response) => respond(response));
let url = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an AddressInfo, never a string.
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let stop = new AbortController();
afterEach(() => {
  stop.abort();
  stop = new AbortController();
});

/** Reads the stream and keeps what it reported. */
function listen(silenceMaxMs = 60_000) {
  const seen = { changed: [] as (readonly string[])[], states: [] as LiveState[], signedOut: 0 };
  const done = readLiveStream({
    url,
    signal: stop.signal,
    onChanged: (services) => seen.changed.push(services),
    onState: (state) => seen.states.push(state),
    onSignedOut: () => {
      seen.signedOut += 1;
    },
    silenceMaxMs,
    retryBaseMs: 1,
    retryMaxMs: 5,
  });
  const saw = (what: string, probe: () => boolean): Promise<boolean> =>
    until(probe, { deadlineMs: 5_000, what });
  return { seen, done, saw };
}

const begin = (response: ServerResponse): void => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(": hello\n\n");
};
const CHANGED = 'event: changed\ndata: {"services":["payments"],"at":"x"}\n\n';

test("an event names the services that changed", async () => {
  respond = (response) => {
    begin(response);
    response.write(CHANGED);
  };
  const { seen, saw } = listen();
  await saw("the event arrived", () => seen.changed.length === 1);
  expect(seen.changed).toEqual([["payments"]]);
  expect(seen.states).toEqual(["live"]);
});

test("a broken connection is told and made again", async () => {
  let calls = 0;
  respond = (response) => {
    calls += 1;
    begin(response);
    if (calls === 1) response.write(CHANGED, () => response.destroy());
  };
  const { seen, saw } = listen();
  await saw("it is live again", () => seen.states.join() === "live,lost,live");
  expect(calls).toBe(2);
});

test("a connection that says nothing counts as dead", async () => {
  let calls = 0;
  respond = (response) => {
    calls += 1;
    begin(response);
  };
  const { seen, saw } = listen(50);
  await saw("it connected again", () => calls >= 2 && seen.states.includes("lost"));
});

test("a refusal is no connection, and it tries on", async () => {
  let calls = 0;
  respond = (response) => {
    calls += 1;
    if (calls < 3) response.writeHead(503).end();
    else begin(response);
  };
  const { seen, saw } = listen();
  await saw("it is live", () => seen.states.includes("live"));
  expect(seen.states).toEqual(["lost", "lost", "live"]);
});

test("401 ends it: the session is over, not the connection", async () => {
  respond = (response) => response.writeHead(401).end();
  const { seen, done } = listen();
  await done;
  expect(seen).toEqual({ changed: [], states: [], signedOut: 1 });
});

test("events are put together from any pieces", () => {
  const changed: (readonly string[])[] = [];
  const parse = eventParser((services) => changed.push(services));
  for (const piece of `: comment\r\n${CHANGED}event: other\ndata: {}\n\n${CHANGED}`) parse(piece);
  expect(changed).toEqual([["payments"], ["payments"]]);
});

test("an event that cannot be read still says that something changed", () => {
  const changed: (readonly string[])[] = [];
  const parse = eventParser((services) => changed.push(services));
  parse("event: changed\ndata: {broken\n\n");
  parse('event: changed\ndata: {"services":[1,"ledger"]}\n\n');
  expect(changed).toEqual([[], ["ledger"]]);
});

test("a line without end is refused instead of kept", () => {
  const parse = eventParser(() => {});
  expect(() => parse("x".repeat(70_000))).toThrow("too long");
});
