/** What operators ask of events and sagas: a real gateway, real instances, a real audit log. */
import { join } from "node:path";
import { toManifest } from "@tideway/schema";
import type { RolloutState } from "@tideway/rollout";
import { systemClock } from "@tideway/kernel";
import { authHashOf } from "@tideway/trust";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { busAdmin } from "../bus/bus-admin.ts";
import type { BusAdmin } from "@tideway/bus";
import { createServiceSagas } from "../service-sagas.ts";
import type { ServiceSagas } from "../service-sagas.ts";
import { readAudit } from "../store/audit.ts";
import { runningRollouts } from "../store/rollouts.ts";
import { openTestPlatform, reconcileUntil } from "../test/platform.ts";
import type { OpenWorld, TestPlatform } from "../test/platform.ts";
import { apiOf } from "../test/small-service.ts";
import { aKey, startStandInBus } from "../test/stand-in-bus.ts";
import type { StandInBus } from "../test/stand-in-bus.ts";
import { eventHandlers, sagaHandlers } from "./event-handlers.ts";

const secret = "5".repeat(64);
const operator = { operator: "opr_1", name: "grace" };
const ID = `sag_${"0".repeat(26)}`;
const OTHER = `sag_${"1".repeat(26)}`;
const asked = { operator, setCookie: () => undefined, sessionToken: null };
const none = { params: undefined, query: undefined, body: undefined };

let platform: TestPlatform;
let open: OpenWorld;
let sagas: ServiceSagas;
let admin: BusAdmin;
let bus: StandInBus;
let socket: string;

beforeEach(async () => {
  platform = await openTestPlatform();
  const gateway = await platform.restartGateway();
  const platformCallers = [{ name: "control", authHash: authHashOf(secret) }] as const;
  open = await platform.openWorld({}, systemClock, platformCallers);
  const internalUrl = `http://127.0.0.1:${gateway.internalPort}`;
  sagas = createServiceSagas({ pool: platform.database.pool, internalUrl, secret });
  socket = join(platform.home, "run", "bus.sock");
  bus = await startStandInBus(socket);
  admin = busAdmin(socket);
});
afterEach(async () => {
  admin.close();
  await bus.close();
  await platform.close();
});

const handlers = () => {
  const parts = { pool: platform.database.pool, clock: systemClock, bus: admin, sagas };
  return { ...eventHandlers(parts), ...sagaHandlers(parts) };
};
const pass = async (): Promise<void> => {
  const rollouts = await runningRollouts<RolloutState>(platform.database.pool);
  await open.world.reconcile(rollouts, await platform.gateway.state());
};

/** A service that runs sagas, as its platform routes answer; it keeps its one saga in memory. */
const addSagaService = async (service: string, saga: string, startedAt: string): Promise<void> => {
  const summary = {
    saga,
    name: "pay",
    version: 1,
    state: "running",
    step: "act",
    attempts: 3,
    needsAttention: true,
    problem: "LEDGER_AWAY",
    startedAt,
    updatedAt: startedAt,
    dueAt: null,
    traceId: null,
  };
  const before = `
let saga = ${JSON.stringify(summary)};
const problem = (reply, status, code) => {
  reply.writeHead(status, { "content-type": "application/problem+json" });
  reply.end(JSON.stringify({ code, title: code, action: "Look.", retryable: false, given: {} }));
};
const answer = (request, reply, body) => {
  const [path, query] = request.url.split("?");
  const json = (value) => reply.end(JSON.stringify(value));
  if (path === "/tideway/sagas") {
    const isAsked = !query?.includes("state=") || query.includes("state=" + saga.state);
    return json({ items: isAsked ? [saga] : [], next: "more" });
  }
  const [, , , id, act] = path.split("/");
  if (path.startsWith("/tideway/") && id !== saga.saga) return problem(reply, 404, "SAGA_UNKNOWN");
  if (act === "retry") saga = { ...saga, attempts: saga.attempts + 1, problem: body.by };
  if (act === "compensate" && body.reason === "too late") return problem(reply, 409, "SAGA_PIVOTED");
  if (act === "compensate") saga = { ...saga, state: "compensating", problem: body.by };
  return json(act === undefined ? { saga, steps: [] } : saga);
};
process.nextTick(() => {
  server.removeAllListeners("request");
  server.on("request", (request, reply) => {
    let text = "";
    request.on("data", (chunk) => (text += chunk));
    request.on("end", () => answer(request, reply, text === "" ? {} : JSON.parse(text)));
  });
});`;
  const declaration = { name: service, api: apiOf(service), database: false } as const;
  const { routes } = toManifest({ ...declaration, sagas: [{ name: "pay", version: 1 }] });
  const change = { routes, sagas: [{ name: "pay", version: 1 }] };
  await platform.stable(await platform.add({ service, text: saga, before, change }));
};
const serve = async (...services: string[]): Promise<void> => {
  await reconcileUntil("all are served", pass, () =>
    services.every((service) =>
      open.world.running.get(`${service}-1`)?.instances.some(({ status }) => status === "ready"),
    ),
  );
  await pass();
};
const auditOf = async () =>
  (await readAudit(platform.database.pool, 10)).map(
    ({ action, subject, detail, operator: by }) => `${by} ${action} ${subject} ${detail}`,
  );

describe("sagas", () => {
  beforeEach(async () => {
    await addSagaService("payments", ID, "2026-01-01T00:00:00.000Z");
    await addSagaService("exchange", OTHER, "2026-01-02T00:00:00.000Z");
    await platform.stable(await platform.add({ service: "shop", text: "no sagas" }));
    await serve("payments", "exchange", "shop");
  });

  test("of all services that run some are listed together, the newest first", async () => {
    const page = await handlers().sagas({ ...asked, ...none, query: {} });
    expect(page.items.map(({ service, saga }) => [service, saga])).toEqual([
      ["exchange", OTHER],
      ["payments", ID],
    ]);
    expect([page.next, page.unanswered]).toEqual([null, []]);
  });

  test("of one service are listed with its cursor, and by state", async () => {
    const query = { service: "payments", after: "x" };
    const page = await handlers().sagas({ ...asked, ...none, query });
    expect(page.items.map(({ saga }) => saga)).toEqual([ID]);
    expect(page.next).toBe("more");
    const over = await handlers().sagas({ ...asked, ...none, query: { state: "completed" } });
    expect(over.items).toEqual([]);
  });

  test.each([
    [{ after: "x" }, "SAGA_CURSOR_ALONE"],
    [{ service: "shop" }, "SAGAS_NOT_THERE"],
    [{ service: "nobody" }, "SERVICE_UNKNOWN"],
  ])("%j cannot be listed", async (query, code) => {
    await expect(handlers().sagas({ ...asked, ...none, query })).rejects.toMatchObject({ code });
  });

  test("one is found without its service", async () => {
    const found = await handlers().saga({ ...asked, ...none, params: { saga: ID }, query: {} });
    expect([found.service, found.saga.saga]).toEqual(["payments", ID]);
    const params = { saga: `sag_${"2".repeat(26)}` };
    await expect(handlers().saga({ ...asked, ...none, params, query: {} })).rejects.toMatchObject({
      code: "SAGA_UNKNOWN",
    });
  });

  test("a service that does not answer is named, and nothing is said not to be there", async () => {
    const cut = createServiceSagas({
      pool: platform.database.pool,
      internalUrl: "http://127.0.0.1:9",
      secret,
    });
    const page = await cut.list({});
    expect(page.unanswered.map(({ code }) => code)).toEqual([
      "SAGA_SERVICE_AWAY",
      "SAGA_SERVICE_AWAY",
    ]);
    await expect(cut.inspect(ID, undefined)).rejects.toMatchObject({ code: "SAGA_SERVICE_AWAY" });
  });

  test("a retry and a compensation are carried out under the operator's name and written down", async () => {
    const params = { saga: ID };
    const retried = await handlers().retrySaga({ ...asked, ...none, params, body: {} });
    expect(retried).toMatchObject({ service: "payments", attempts: 4, problem: "operator grace" });
    const body = { service: "payments", reason: "a customer called" };
    const after = await handlers().compensateSaga({ ...asked, ...none, params, body });
    expect(after).toMatchObject({ state: "compensating", problem: "operator grace" });
    const late = { service: "payments", reason: "too late" };
    await expect(
      handlers().compensateSaga({ ...asked, ...none, params, body: late }),
    ).rejects.toMatchObject({ code: "SAGA_PIVOTED", definition: { status: 409 } });
    expect(await auditOf()).toEqual([
      `grace saga.compensate.refused ${ID} SAGA_PIVOTED too late`,
      `grace saga.compensate ${ID} payments pay: a customer called`,
      `grace saga.retry ${ID} payments pay, step act`,
    ]);
  });
});

describe("events", () => {
  const params = { service: "shop" };
  beforeEach(async () => {
    await platform.stable(await platform.add({ service: "shop", text: "1" }));
  });

  test("keys, groups and the log come from the bus", async () => {
    expect(await handlers().eventGroups()).toEqual({ groups: [] });
    const query = { state: "quarantined", limit: 5 } as const;
    const keys = await handlers().eventKeys({ ...asked, ...none, params, query });
    expect(keys).toEqual({ items: [aKey], next: "more" });
    const log = { type: "payments.invoice.paid.v1", key: "a b&c" };
    await handlers().eventLog({ ...asked, ...none, query: log });
    expect(bus.asked.map(({ route }) => route)).toEqual([
      "GET /groups",
      "GET /groups/shop/keys?state=quarantined&limit=5",
      "GET /events?type=payments.invoice.paid.v1&key=a+b%26c",
    ]);
  });

  test("a redrive and a replay are ordered of the bus and written down, refused ones too", async () => {
    const redriven = await handlers().redriveEvents({
      ...asked,
      ...none,
      params,
      body: { key: "inv_1" },
    });
    expect(redriven).toEqual({ keys: 2 });
    const from = { time: "2026-01-01T00:00:00.000Z" };
    const body = { from, types: ["payments.invoice.paid.v1"], reason: "rebuilt" };
    const replayed = await handlers().replayEvents({ ...asked, ...none, params, body });
    expect(replayed).toEqual({ replay: 3 });
    await expect(
      handlers().redriveEvents({ ...asked, ...none, params: { service: "nobody" }, body: {} }),
    ).rejects.toMatchObject({ code: "SERVICE_UNKNOWN" });
    expect(bus.asked.map(({ body: sent }) => sent)).toEqual([
      { key: "inv_1" },
      { from, types: ["payments.invoice.paid.v1"] },
    ]);
    expect(await auditOf()).toEqual([
      "grace events.redrive.refused nobody SERVICE_UNKNOWN all quarantined keys",
      `grace events.replay shop replay 3 from ${from.time}, payments.invoice.paid.v1, rebuilt`,
      "grace events.redrive shop inv_1: 2 went on",
    ]);
  });

  test("a bus that is away is told as such", async () => {
    await bus.close();
    await expect(handlers().eventGroups()).rejects.toMatchObject({
      code: "BUS_AWAY",
    });
    bus = await startStandInBus(socket);
  });
});
