/** Calls over real HTTP to an upstream that does what each test says, for better or worse. */
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ClientError } from "@tideway/client";
import { defineErrors, until } from "@tideway/kernel";
import { defineApi } from "@tideway/schema";
import { Type } from "typebox";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { withRequestContext } from "../context.ts";
import { createInternalClient } from "../internal-client.ts";
import { CALLS_MIN, OPEN_MS_MAX } from "./breaker.ts";
import { CIRCUIT_WAIT_MS_MAX, CALLS_AT_ONCE_MAX, CALLS_WAITING_MAX } from "./upstream.ts";

const common = { auth: "public", exposure: "public", summary: "", reply: Type.Object({}) } as const;
const apiOf = (name: string) =>
  defineApi({
    name,
    version: "1.0.0",
    errors: defineErrors({}),
    routes: {
      look: { ...common, method: "GET", path: "/look" },
      post: { ...common, method: "POST", path: "/post" },
      repeatable: { ...common, method: "POST", path: "/post", repeatable: true },
      idempotent: { ...common, method: "POST", path: "/post", idempotent: true },
    },
  });

let requests: IncomingMessage[] = [];
let answer: RequestListener;
const server = createServer((request, response) => {
  requests.push(request);
  answer(request, response);
});
let internalUrl = "";
const clientsOfOneProcess = () => {
  const config = { internalUrl, instance: "ins_1", instanceSecret: "s" };
  return {
    shop: createInternalClient(apiOf("shop"), config),
    till: createInternalClient(apiOf("till"), config),
  };
};
let shop: ReturnType<typeof clientsOfOneProcess>["shop"];
let till: ReturnType<typeof clientsOfOneProcess>["till"];
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an AddressInfo, never a string.
  internalUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  requests = [];
  ({ shop, till } = clientsOfOneProcess());
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const ok: RequestListener = (_, response) => void response.end("{}");
const problem =
  (status: number, code: string, headers = {}): RequestListener =>
  (_, response) =>
    void response
      .writeHead(status, { "content-type": "application/problem+json", ...headers })
      .end(JSON.stringify({ code, title: "", action: "", retryable: status >= 500 }));
const lost: RequestListener = (request) => void request.socket.destroy();

function within<T>(leftMs: number, act: () => Promise<T>): Promise<T> {
  return withRequestContext({ token: null, deadlineAtMs: performance.now() + leftMs }, act);
}

async function failureOf(call: Promise<unknown>): Promise<ClientError> {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ClientError) return error;
  throw new Error(`It did not fail with a ClientError: ${String(error)}.`, { cause: error });
}

async function fail(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await shop.post().catch(() => {});
}

describe("repetition", () => {
  test.each([
    ["lost", lost],
    ["503", problem(503, "UPSTREAM_UNAVAILABLE")],
    ["502", problem(502, "UPSTREAM_RESET")],
  ])(
    "after %s a call that is not safe to repeat is sent once, one that is three times more",
    async (_, how) => {
      answer = how;
      await failureOf(shop.post());
      expect(requests.length).toBe(1);
      await failureOf(shop.idempotent({ idempotencyKey: "key-12345" }));
      expect(requests.length).toBe(5);
      const keys = requests.slice(1).map((request) => request.headers["idempotency-key"]);
      expect(new Set(keys)).toEqual(new Set(["key-12345"]));
    },
  );

  test("what is declared repeatable is repeated, until it is answered", async () => {
    answer = (request, response) => (requests.length < 3 ? lost : ok)(request, response);
    expect(await shop.repeatable()).toEqual({});
    expect(requests.length).toBe(3);
  });

  test("an upstream that is down gets at most a tenth more than it would without retries", async () => {
    answer = (request, response) =>
      (requests.length % 3 === 0 ? problem(503, "UPSTREAM_UNAVAILABLE") : ok)(request, response);
    const calls = 300;
    for (let i = 0; i < calls; i++) await shop.look().catch(() => {});
    expect(requests.length).toBeGreaterThan(calls + 20);
    expect(requests.length).toBeLessThanOrEqual(calls * 1.1 + 5);
  });

  test("who sheds load is asked again only after the time that it names", async () => {
    answer = problem(503, "OVERLOADED", { "retry-after": "1" });
    const began = performance.now();
    expect(await within(500, () => failureOf(shop.look()))).toMatchObject({ code: "OVERLOADED" });
    expect(requests.length).toBe(1);
    answer = (request, response) =>
      (requests.length < 3 ? problem(503, "OVERLOADED", { "retry-after": "1" }) : ok)(
        request,
        response,
      );
    expect(await shop.look()).toEqual({});
    expect(performance.now() - began).toBeGreaterThan(1_000);
  });
});

describe("the circuit", () => {
  test.each([
    ["lost connections", lost],
    ["503", problem(503, "UPSTREAM_UNAVAILABLE")],
    ["504", problem(504, "DEADLINE_EXCEEDED")],
  ])("%s open it: then nothing is sent, and the refusal says when to come back", async (_, how) => {
    answer = how;
    await fail(CALLS_MIN);
    expect(requests.length).toBe(CALLS_MIN);
    const error = await within(150, () => failureOf(shop.look()));
    expect(error).toMatchObject({ code: "UPSTREAM_UNAVAILABLE", status: 503, retryable: true });
    expect(error.given["service"]).toBe("shop");
    expect(error.given["retryAfterMs"]).toBeGreaterThan(0);
    expect(error.given["retryAfterMs"]).toBeLessThanOrEqual(OPEN_MS_MAX);
    expect(requests.length).toBe(CALLS_MIN);
    answer = ok;
    expect(await till.look(), "another upstream has its own").toEqual({});
  });

  test("whoever has time waits for it to close, and is served then; nothing is sent before", async () => {
    answer = lost;
    await fail(CALLS_MIN);
    answer = ok;
    const calls = Array.from({ length: 20 }, () => shop.post());
    expect(requests.length).toBe(CALLS_MIN);
    expect(await Promise.all(calls)).toEqual(calls.map(() => ({})));
    expect(requests.length).toBe(CALLS_MIN + calls.length);
  });

  test("nobody waits longer than three seconds", async () => {
    answer = lost;
    await fail(CALLS_MIN);
    const began = performance.now();
    expect(await failureOf(shop.post())).toMatchObject({ retryable: true });
    expect(performance.now() - began).toBeLessThan(CIRCUIT_WAIT_MS_MAX + OPEN_MS_MAX);
  });

  test.each([
    ["a refusal", problem(409, "SHELF_EMPTY")],
    ["a bug", problem(500, "INTERNAL")],
    ["too many requests", problem(429, "TOO_MANY")],
    ["shedding, which lets other classes in", problem(503, "OVERLOADED")],
    [
      "a backlog of events, which lets go on what publishes none",
      problem(503, "EVENTS_BACKLOGGED"),
    ],
  ])("%s is an answer and opens nothing", async (_, how) => {
    answer = how;
    await fail(50);
    expect(requests.length).toBe(50);
  });

  test("time that was too short, or a caller that left, says nothing of the upstream", async () => {
    answer = () => {
      // Never answered.
    };
    for (let i = 0; i < 15; i++) await within(15, () => failureOf(shop.post()));
    for (let i = 0; i < 15; i++) {
      const signal = AbortSignal.timeout(5);
      await shop.look({ signal }).catch(() => {});
    }
    answer = ok;
    expect(await shop.look()).toEqual({});
  });

  test("after its time one call goes out alone; its answer lets the others in", async () => {
    answer = lost;
    await fail(CALLS_MIN);
    const held: ServerResponse[] = [];
    answer = (_, response) => void held.push(response);
    const refused: string[] = [];
    const calls: Promise<unknown>[] = [];
    await until(
      () => {
        for (let i = 0; i < 5; i++) {
          calls.push(shop.look().catch((error: unknown) => refused.push(String(error))));
        }
        return held.length > 0;
      },
      { deadlineMs: 10_000, what: "a probe goes out" },
    );
    await until(() => refused.length === calls.length - 1, {
      deadlineMs: 5_000,
      what: "all but the probe are refused in the end",
    });
    expect(held.length).toBe(1);
    answer = ok;
    held[0]?.end("{}");
    await Promise.all(calls);
    expect(await shop.look()).toEqual({});
  });
});

describe("the bulkhead", () => {
  test("more than 64 at once wait for a place, more than 256 waiting are refused, others pass", async () => {
    const held: ServerResponse[] = [];
    answer = (request, response) => {
      if (request.url?.startsWith("/api/till") === true) response.end("{}");
      else held.push(response);
    };
    const many = Array.from({ length: CALLS_AT_ONCE_MAX + CALLS_WAITING_MAX }, () => shop.look());
    await until(() => held.length === CALLS_AT_ONCE_MAX, { deadlineMs: 5_000, what: "all places" });
    expect(await failureOf(shop.look())).toMatchObject({ code: "UPSTREAM_UNAVAILABLE" });
    expect(await till.look()).toEqual({});
    expect(held.length).toBe(CALLS_AT_ONCE_MAX);
    answer = ok;
    for (const response of held) response.end("{}");
    expect((await Promise.all(many)).length).toBe(many.length);
  });

  test("waiting ends with the time or with the caller, and nothing is sent then", async () => {
    const held: ServerResponse[] = [];
    answer = (_, response) => void held.push(response);
    const many = Array.from({ length: CALLS_AT_ONCE_MAX }, () => shop.look());
    await until(() => held.length === CALLS_AT_ONCE_MAX, { deadlineMs: 5_000, what: "all places" });
    expect(await within(60, () => failureOf(shop.look()))).toMatchObject({
      code: "UPSTREAM_UNAVAILABLE",
    });
    const gone = new AbortController();
    const waiting = shop.look({ signal: gone.signal });
    gone.abort(new Error("left"));
    await expect(waiting).rejects.toThrow("left");
    answer = ok;
    for (const response of held) response.end("{}");
    await Promise.all(many);
    expect(await shop.look()).toEqual({});
    expect(requests.length).toBe(CALLS_AT_ONCE_MAX + 1);
  });
});

test("every try tells how much time is left, and it is never more than there was", async () => {
  answer = (request, response) => (requests.length < 3 ? lost : ok)(request, response);
  await within(900, () => shop.look());
  const told = requests.map((request) => Number(request.headers["tideway-deadline"]));
  expect(told.length).toBe(3);
  expect(told[0]).toBeLessThanOrEqual(900);
  expect(told).toEqual(told.toSorted((a, b) => b - a));
});
