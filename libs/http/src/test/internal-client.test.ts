/** Calls between services keep to the time that is left: no try begins after it, or for nothing. */
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { withRequestContext } from "../context.ts";
import { createInternalClient } from "../internal-client.ts";
import { shopApi } from "./shop-under-test.ts";

let requests = 0;
let answer: RequestListener;
const server = createServer((request, response) => {
  requests++;
  answer(request, response);
});
let internalUrl = "";
let shop: ReturnType<typeof createInternalClient<typeof shopApi>>;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an AddressInfo, never a string.
  const { port } = server.address() as AddressInfo;
  internalUrl = `http://127.0.0.1:${port}`;
});
beforeEach(() => {
  requests = 0;
  // With a circuit and a budget of its own.
  shop = createInternalClient(shopApi, { internalUrl, instance: "ins_1", instanceSecret: "s" });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** A call with so many milliseconds left; its error, or null. */
function call(leftMs: number): Promise<unknown> {
  const context = { token: null, deadlineAtMs: performance.now() + leftMs };
  return withRequestContext(context, () =>
    shop.look().then(
      () => null,
      (error: unknown) => error,
    ),
  );
}

test("a try that used the time up is the last one", async () => {
  answer = () => {
    // Never answered.
  };
  expect(await call(120)).toMatchObject({ code: "UNREACHABLE", retryable: true });
  expect(requests).toBe(1);
});

test("a call whose time is over is not sent at all", async () => {
  answer = (_, response) => response.end("{}");
  expect(await call(-1)).toMatchObject({ code: "UNREACHABLE", retryable: true });
  expect(requests).toBe(0);
});

test("a refusal that may pass is tried four times, one that may not once", async () => {
  answer = (_, response) => response.writeHead(503).end();
  expect(await call(10_000)).toMatchObject({ status: 503 });
  expect(requests).toBe(4);
  answer = (_, response) => response.writeHead(500).end();
  expect(await call(10_000)).toMatchObject({ status: 500 });
  expect(requests).toBe(5);
});

test("a lost connection is mended by the next try", async () => {
  answer = (request, response) => {
    if (requests === 1) request.socket.destroy();
    else response.end("{}");
  };
  expect(await call(10_000)).toBeNull();
  expect(requests).toBe(2);
});

test("who counts its own tries is told of each that was lost", async () => {
  const config = { internalUrl, instance: "ins_1", instanceSecret: "s", retries: "none" } as const;
  shop = createInternalClient(shopApi, config);
  answer = (request, response) => {
    if (requests === 1) request.socket.destroy();
    else response.writeHead(409).end();
  };
  expect(await call(10_000)).toMatchObject({ code: "UNREACHABLE" });
  expect(requests).toBe(1);
});
