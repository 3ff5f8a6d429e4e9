/**
 * A service over real HTTP whose event loop is really blocked: by the test itself, which runs in
 * the same process and keeps each turn of the loop busy for as long as it says.
 */
import type { AddressInfo } from "node:net";
import { defineErrors, until } from "@tideway/kernel";
import { defineApi, defineService } from "@tideway/schema";
import { testService } from "@tideway/testkit";
import type { TestService } from "@tideway/testkit";
import { ASSERTION_HEADER, assertionKeyOf, assertionSecret, signAssertion } from "@tideway/trust";
import { Type } from "typebox";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { DELAY_MS_MAX } from "./load-shedding.ts";

const common = { auth: "public", exposure: "public", summary: "", reply: Type.Object({}) } as const;
const api = defineApi({
  name: "shop",
  version: "1.0.0",
  errors: defineErrors({}),
  routes: {
    confirm: { ...common, method: "POST", path: "/settle", priority: "settle" },
    write: { ...common, method: "POST", path: "/write" },
    read: { ...common, method: "GET", path: "/read" },
    report: { ...common, method: "GET", path: "/batch", priority: "batch" },
  },
});
type Class = "settle" | "write" | "read" | "batch";

let shop: TestService<typeof api>;
let origin = "";
let unblock = (): void => {};

beforeAll(async () => {
  const nothing = async () => ({});
  shop = await testService({
    declaration: defineService({ name: "shop", api, database: false }),
    build: () => ({
      handlers: { confirm: nothing, write: nothing, read: nothing, report: nothing },
    }),
  });
  // A listening TCP server has an AddressInfo, never a string.
  origin = `http://127.0.0.1:${(shop.app.server.address() as AddressInfo).port}`;
});
afterEach(() => unblock());
afterAll(() => shop.stop());

/** Keeps every turn of the event loop busy for so long, until `unblock`. */
function block(turnMs: number): void {
  let isOver = false;
  const turn = (): void => {
    const endsAtMs = performance.now() + turnMs;
    while (performance.now() < endsAtMs) {
      // Busy.
    }
    if (!isOver) setImmediate(turn);
  };
  unblock = () => {
    isOver = true;
  };
  setImmediate(turn);
}

async function ask(path: string, withAssertion = true): Promise<Response> {
  const method = path === "/settle" || path === "/write" ? "POST" : "GET";
  const assertion = signAssertion(
    {
      caller: null,
      revision: null,
      instance: null,
      audience: "shop",
      method,
      path,
      person: null,
      expiresAtMs: Date.now() + 30_000,
    },
    assertionSecret(assertionKeyOf(shop.config.instanceSecret)),
  );
  const headers = withAssertion ? { [ASSERTION_HEADER]: assertion } : {};
  const response = await fetch(origin + path, { method, headers });
  return response;
}

const statusOf = async (name: Class): Promise<number> => (await ask(`/${name}`)).status;

function untilShed(name: Class): Promise<Response> {
  return until(
    async () => {
      const response = await ask(`/${name}`);
      return response.status === 503 ? response : false;
    },
    { deadlineMs: 20_000, intervalMs: 0, what: `${name} is shed` },
  );
}

function untilAdmitted(name: Class): Promise<unknown> {
  const inARow = 10;
  return until(
    async () => {
      for (let i = 0; i < inARow; i++) if ((await statusOf(name)) !== 200) return false;
      return true;
    },
    { deadlineMs: 20_000, what: `${name} is let in again` },
  );
}

test("batch work is refused first, with a code and a time, while money and reads go on", async () => {
  block(DELAY_MS_MAX.batch + 50);
  const refusal = await untilShed("batch");
  expect(refusal.headers.get("retry-after")).toBe("1");
  expect(await refusal.json()).toMatchObject({ code: "OVERLOADED", status: 503, retryable: true });
  expect(await Promise.all([statusOf("write"), statusOf("settle")])).toEqual([200, 200]);
  unblock();
  await untilAdmitted("batch");
});

test("reads are refused before writes, writes before what settles, and probes never", async () => {
  block(DELAY_MS_MAX.read + 60);
  await untilShed("read");
  expect(await statusOf("write")).toBe(200);
  unblock();
  block(DELAY_MS_MAX.write + 60);
  await untilShed("write");
  const others = [
    statusOf("settle"),
    ...["/health", "/ready"].map(async (probe) => (await ask(probe, false)).status),
  ];
  expect(await Promise.all(others)).toEqual([200, 200, 200]);
  unblock();
  const metrics = await (await ask("/metrics", false)).text();
  expect(metrics).toMatch(/tideway_shop_requests_shed_total\{class="write"[^}]*\} [1-9]/);
  expect(metrics).not.toContain('class="settle"');
  await untilAdmitted("write");
}, 60_000);
