/** Over a real connection: what a handler learns of a client that leaves, and what is logged. */
import { once } from "node:events";
import { IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "@tideway/kernel";
import {
  ASSERTION_HEADER,
  ASSERTION_VALID_MS,
  assertionKeyOf,
  assertionSecret,
  signAssertion,
} from "@tideway/trust";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openShop } from "./shop-under-test.ts";
import type { Shop } from "./shop-under-test.ts";

const BODY = '{"note":"x"}';
let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.close());

/** A request to buy over TCP, as the gateway sends it; its body is still to come. */
function open(key: string) {
  const { config, app } = shop.service;
  // A listening TCP server has an AddressInfo, never a string.
  const { port } = app.server.address() as AddressInfo;
  const [method, path] = ["POST", "/shelves/a/buy"];
  const assertion = signAssertion(
    {
      caller: null,
      revision: null,
      instance: null,
      audience: config.service,
      method,
      path,
      person: "per_1",
      expiresAtMs: Date.now() + ASSERTION_VALID_MS,
    },
    assertionSecret(assertionKeyOf(config.instanceSecret)),
  );
  const headers = {
    "content-type": "application/json",
    "content-length": String(BODY.length),
    "idempotency-key": key,
    [ASSERTION_HEADER]: assertion,
  };
  const sent = request({ host: "127.0.0.1", port, method, path, headers });
  /** The answer's status, or null when the connection was cut. */
  const status = new Promise<number | null>((resolve) => {
    sent.on("response", (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? null);
    });
    sent.on("error", () => resolve(null));
  });
  return { sent, status };
}

function begin(key: string) {
  const { sent, status } = open(key);
  sent.end(BODY);
  return { status, leave: () => sent.destroy() };
}

test("a client that leaves fires the signal, is no failure of ours, and may come back", async () => {
  let heard: AbortSignal | null = null;
  shop.onBuy = ({ signal }) => {
    heard = signal;
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  };
  const leaving = begin("k-gone-0001");
  await until(() => heard !== null, { deadlineMs: 5_000, what: "the handler runs" });
  expect(heard).toMatchObject({ aborted: false });
  leaving.leave();
  expect(await leaving.status).toBeNull();
  await until(() => heard?.aborted === true, { deadlineMs: 5_000, what: "the signal fires" });
  expect(shop.service.logLines.filter((line) => line.includes("request.failed"))).toEqual([]);
  shop.onBuy = async ({ isRepeat }) => `again: ${isRepeat}`;
  expect(await begin("k-gone-0001").status).toBe(201);
});

test("one that leaves in the middle of its body is no failure, nor one of the database", async () => {
  const before = shop.service.logLines.length;
  const { server } = shop.service.app;
  const arrived = once(server, "request");
  const { sent, status } = open("k-gone-0002");
  sent.write(BODY.slice(0, 5));
  const [incoming]: unknown[] = await arrived;
  if (!(incoming instanceof IncomingMessage)) throw new Error("A request has arrived.");
  const closed = new Promise((resolve) => incoming.socket.once("close", resolve));
  sent.destroy();
  expect(await status).toBeNull();
  await closed;
  // Answered after it, so whatever the one before left in the log is there.
  expect(await begin("k-gone-0003").status).toBe(201);
  const lines = shop.service.logLines.slice(before);
  expect(lines.filter((line) => line.includes("failed"))).toEqual([]);
});
