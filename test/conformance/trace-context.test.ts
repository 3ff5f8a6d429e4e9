/**
 * The W3C's cases of trace context on a real chain. What is judged is what the last one receives:
 *
 *   request -> [gateway, internal listener ->] service -> gateway -> service that records
 *
 * once through the gateway and once straight at the service, so that each of them is found out
 * alone. The public listener is left out by design: a trace that a client claims is not believed,
 * which the last test holds it to.
 */
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { createInternalClient } from "@tideway/http";
import { defineErrors } from "@tideway/kernel";
import { defineApi, defineService } from "@tideway/schema";
import { testService } from "@tideway/testkit";
import type { TestService } from "@tideway/testkit";
import {
  ASSERTION_HEADER,
  INSTANCE_HEADER,
  assertionKeyOf,
  assertionSecret,
  authHashOf,
  signAssertion,
} from "@tideway/trust";
import { Type } from "typebox";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  revision,
  route,
  service,
  startFixture,
} from "../../platform/gateway/src/testing/fixture.ts";
import type { Fixture } from "../../platform/gateway/src/testing/fixture.ts";
import type { Upstream } from "../../platform/gateway/src/testing/upstream.ts";
import { check, readTraceCases } from "./trace-context-cases.ts";
import type { Outgoing, TraceCase } from "./trace-context-cases.ts";

type Headers = readonly (readonly [string, string])[];

const common = { auth: "public", exposure: "public", summary: "", reply: Type.Object({}) } as const;
const calleeApi = defineApi({
  name: "callee",
  version: "1.0.0",
  errors: defineErrors({}),
  routes: { record: { ...common, method: "GET", path: "/record" } },
});
const callerApi = defineApi({
  name: "caller",
  version: "1.0.0",
  errors: defineErrors({}),
  routes: { run: { ...common, method: "GET", path: "/run" } },
});

const CALLS = 2;
const VALID = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const cases = readTraceCases();
const why = "../shared/cases/reliability/w3c-trace-context is not there";

let fixture: Fixture;
let caller: TestService<typeof callerApi>;
let callee: Upstream;
let callerPort = 0;

beforeAll(async () => {
  fixture = await startFixture();
  callee = await fixture.upstream({
    service: "callee",
    instance: "ins_callee",
    respond: (_, response) => {
      response.setHeader("content-type", "application/json");
      response.end("{}");
    },
  });
  caller = await testService({
    declaration: defineService({ name: "caller", api: callerApi, database: false }),
    internalUrl: `http://127.0.0.1:${fixture.gateway.internalPort}`,
    build: ({ config }) => {
      const client = createInternalClient(calleeApi, config);
      const run = async () => {
        for (let i = 0; i < CALLS; i++) await client.record();
        return {};
      };
      return { handlers: { run } };
    },
  });
  // A listening TCP server has an AddressInfo, never a string.
  callerPort = (caller.app.server.address() as AddressInfo).port;
  const { instance, instanceSecret } = caller.config;
  const endpoint = {
    instance,
    url: `http://127.0.0.1:${callerPort}`,
    authHash: authHashOf(instanceSecret),
    assertionKey: assertionKeyOf(instanceSecret),
  };
  await fixture.configure([
    service("callee", [revision("callee-1", [route("GET /record")], [callee])]),
    service("caller", [
      revision("caller-1", [route("GET /run")], [endpoint], { calls: ["caller", "callee"] }),
    ]),
  ]);
});
afterAll(async () => {
  await caller.stop();
  await fixture.close();
});

/** Sends headers as they are, also several of one name, and answers the status. */
function send(port: number, path: string, headers: Headers): Promise<number> {
  return new Promise((resolve, reject) => {
    const raw = [["host", `127.0.0.1:${port}`], ...headers].flat();
    const sent = request({ host: "127.0.0.1", port, path, headers: raw }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", reject);
    sent.end();
  });
}

const WAYS = {
  "through the gateway": async (headers: Headers) => {
    const { instance, instanceSecret } = caller.config;
    const own = [INSTANCE_HEADER, `${instance}:${instanceSecret}`] as const;
    return send(fixture.gateway.internalPort, "/api/caller/run", [own, ...headers]);
  },
  "straight at the service": async (headers: Headers) => {
    const assertion = signAssertion(
      {
        caller: null,
        revision: null,
        instance: null,
        audience: "caller",
        method: "GET",
        path: "/run",
        person: null,
        expiresAtMs: Date.now() + 30_000,
      },
      assertionSecret(assertionKeyOf(caller.config.instanceSecret)),
    );
    return send(callerPort, "/run", [[ASSERTION_HEADER, assertion], ...headers]);
  },
} satisfies Record<string, (headers: Headers) => Promise<number>>;

/** What the last one received of each call that one request made. */
async function propagated(
  way: (headers: Headers) => Promise<number>,
  headers: Headers,
): Promise<readonly Outgoing[]> {
  const before = callee.received.length;
  expect(await way(headers)).toBe(200);
  const received = callee.received.slice(before);
  expect(received.length).toBe(CALLS);
  return received.map((one) => {
    const traceparent = String(one.headers["traceparent"]);
    expect(traceparent).toMatch(VALID);
    const state = one.headers["tracestate"];
    return { traceparent, tracestate: Array.isArray(state) ? state.join(",") : state };
  });
}

describe.for(Object.entries(WAYS))("%s", ([, way]) => {
  const runnable = (cases ?? []).filter(({ steps }) => steps.length > 0);
  test.skipIf(cases === null)(`there are cases (else: ${why})`, () => {
    expect(runnable.length).toBe(38);
  });

  const run = async (one: TraceCase): Promise<void> => {
    for (const step of one.steps) {
      for (const seen of await propagated(way, step.headers)) {
        if (step.headers.every(([name]) => name.toLowerCase() !== "traceparent")) {
          expect(seen.tracestate, "a state without its trace is dropped").toBeUndefined();
        }
        for (const assertion of step.asserts) check(assertion, step, seen);
      }
    }
  };
  for (const one of runnable) test(one.name, () => run(one));

  // The suite's AdvancedTest, whose steps are a program: one request that makes several calls.
  test.each([
    ["a valid trace is inherited by every call, each with a span of its own", "1".repeat(32), true],
    ["an invalid one by none", "0".repeat(32), false],
    ["without one all calls belong to one new trace", null, false],
  ])("%s", async (_, traceId, isInherited) => {
    const sent: Headers =
      traceId === null ? [] : [["traceparent", `00-${traceId}-1234567890123456-01`]];
    const seen = await propagated(way, sent);
    const traceIds = new Set(seen.map(({ traceparent }) => traceparent.split("-")[1]));
    expect(traceIds.size).toBe(1);
    expect(traceIds.has(traceId ?? undefined)).toBe(isInherited);
    expect(new Set(seen.map(({ traceparent }) => traceparent.split("-")[2])).size).toBe(CALLS);
  });
});

test("by design, a trace that a client of the public listener claims is not believed", async () => {
  const before = callee.received.length;
  const traceId = "12345678901234567890123456789012";
  const claimed: Headers = [
    ["traceparent", `00-${traceId}-1234567890123456-01`],
    ["tracestate", "foo=1"],
  ];
  expect(await send(fixture.gateway.publicPort, "/api/caller/run", claimed)).toBe(200);
  for (const { headers } of callee.received.slice(before)) {
    expect(headers["traceparent"]).toMatch(VALID);
    expect(headers["traceparent"]).not.toContain(traceId);
    expect(headers["tracestate"]).toBeUndefined();
  }
});
