/** The shim mistreats deliveries and nothing else. */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "@tideway/kernel";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startDeliveryShim } from "./delivery-shim.ts";
import type { DeliveryShim } from "./delivery-shim.ts";

const DELIVERY = "/api/payments/tideway/events";
let gateway: Server;
let shim: DeliveryShim;
let arrived: string[] = [];

beforeAll(async () => {
  gateway = createServer((request, reply) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => void (body += text));
    request.on("end", () => {
      arrived.push(
        `${request.method} ${request.url} ${String(request.headers["tideway-pin"])} ${body}`,
      );
      reply.writeHead(207, { "tideway-failed": "1" });
      reply.end(`seen ${body}`);
    });
  });
  await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
  // A server that listens on TCP has an AddressInfo.
  const { port } = gateway.address() as AddressInfo;
  shim = await startDeliveryShim({ gateway: `http://127.0.0.1:${port}`, random: () => 0.5 });
});

afterEach(() => {
  shim.heal();
  arrived = [];
});

afterAll(async () => {
  await shim.close();
  await new Promise((resolve) => gateway.close(resolve));
});

test("without faults a delivery passes as it is, there and back", async () => {
  const answer = await deliver("a");
  expect(arrived).toEqual([`POST ${DELIVERY} payments-1@7 a`]);
  expect([answer.status, answer.headers.get("tideway-failed"), await answer.text()]).toEqual([
    207,
    "1",
    "seen a",
  ]);
});

test("a repeated delivery arrives twice and is answered once", async () => {
  shim.set({ repeatShare: 1, repeatMs: 50 });
  await deliver("twice");
  await until(() => arrived.length === 2, { deadlineMs: 5_000, what: "it arrives again" });
  expect(arrived[1]).toBe(arrived[0]);
});

test("a held delivery is overtaken by the next one", async () => {
  shim.set({ holdShare: 1, holdMs: 400 });
  const held = deliver("first");
  await until(() => shim.counts().held === 1, { deadlineMs: 5_000, what: "it is held" });
  shim.heal();
  await deliver("second");
  await held;
  expect(arrived.map((one) => one.split(" ")[3])).toEqual(["second", "first"]);
});

test("a lost reply breaks the connection after the delivery was done", async () => {
  shim.set({ loseReplyShare: 1 });
  await expect(deliver("lost")).rejects.toThrow("fetch failed");
  expect(arrived.length).toBe(1);
});

test("requests that are no deliveries are left alone", async () => {
  shim.set({ repeatShare: 1, repeatMs: 0, holdShare: 1, holdMs: 5_000, loseReplyShare: 1 });
  const answer = await fetch(`${shim.url}/api/payments/tideway/wake`, { method: "POST" });
  expect(answer.status).toBe(207);
  expect(arrived.length).toBe(1);
});

function deliver(body: string): Promise<Response> {
  const headers = { "tideway-pin": "payments-1@7" };
  return fetch(shim.url + DELIVERY, { method: "POST", headers, body });
}
