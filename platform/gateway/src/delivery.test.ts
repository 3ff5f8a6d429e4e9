/** Deliveries of events, as the bus sends them: who may, where they go, and how they are judged. */
import { hash, randomBytes } from "node:crypto";
import { deliverEvents } from "@tideway/schema";
import { authHashOf } from "@tideway/trust";
import { until } from "@tideway/kernel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gatewayAdmin } from "./admin-client.ts";
import type { EvidenceRecord, GatewayConfig, ServiceConfig } from "./config.ts";
import { outcomesOf } from "./delivery.ts";
import { keyDigitsOf, laneOfKey } from "./split.ts";
import { revision, route, service, startFixture } from "./testing/fixture.ts";
import type { Fixture, Reply } from "./testing/fixture.ts";
import type { Respond, Upstream } from "./testing/upstream.ts";

const secret = randomBytes(32).toString("hex");
const platformCallers = [{ name: "bus", authHash: authHashOf(secret) }] as const;
const platform = { auth: "platform", exposure: "internal" } as const;
const { bodyBytesMax } = deliverEvents;
const routes = [
  route("GET /x"),
  route("POST /tideway/events", { ...platform, bodyBytesMax, deadlineMs: 5_000 }),
  route("POST /tideway/wake", platform),
];
const keysOf = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => keyDigitsOf(`invoice ${index}`));

let fixture: Fixture;
let stable: Upstream;
let candidate: Upstream;
let shop: Upstream;

beforeEach(async () => {
  fixture = await startFixture();
  stable = await fixture.upstream({ service: "pay", instance: "ins_1" });
  candidate = await fixture.upstream({ service: "pay", instance: "ins_2" });
  shop = await fixture.upstream({ service: "shop", instance: "ins_3" });
});
afterEach(() => fixture.close());

const shopService = () => service("shop", [revision("shop-1", routes, [shop], { calls: ["pay"] })]);
const configure = (
  pay: ServiceConfig,
  rest: Partial<GatewayConfig> = { platformCallers },
): Promise<void> => fixture.configure([pay, shopService()], rest);
const alone = () => service("pay", [revision("pay-1", routes, [stable])]);
const both = (weight: number) =>
  service(
    "pay",
    [revision("pay-1", routes, [stable]), revision("pay-2", routes, [candidate])],
    weight,
  );

interface Sent {
  readonly pin?: string;
  readonly keys?: readonly string[];
  readonly caller?: string;
  readonly path?: string;
  readonly body?: string;
  readonly deadlineMs?: number;
}

const deliver = ({
  pin,
  keys,
  caller = `bus:${secret}`,
  path,
  body,
  deadlineMs,
}: Sent): Promise<Reply> =>
  fixture.call(path ?? "/api/pay/tideway/events", {
    method: "POST",
    body: body ?? "[]",
    headers: {
      "tideway-instance": caller,
      "tideway-deadline": String(deadlineMs ?? 5_000),
      ...(pin === undefined ? {} : { "tideway-pin": pin }),
      ...(keys === undefined ? {} : { "tideway-keys": keys.join(",") }),
    },
  });
const epochOf = (name = "pay"): number =>
  fixture.gateway.splits().services.find((one) => one.service === name)?.epoch ?? -1;
const failing =
  (failed: string): Respond =>
  (_, res) => {
    res.setHeader("tideway-failed", failed);
    res.end("{}");
  };
const records = (): readonly EvidenceRecord[] =>
  fixture.gateway.evidence("pay", "rol_1", 0).records;
const nameOf = (key: string): string => hash("sha256", `rol_1\nkey ${key}`, "hex").slice(0, 16);

describe("who may call the platform's routes", () => {
  test("the bus may, of every service, and the instance is told who it is", async () => {
    await configure(alone());
    expect((await deliver({})).status).toBe(200);
    const [got] = stable.received;
    expect(got?.assertion).toMatchObject({ caller: "bus", revision: null, instance: null });
    expect(got?.headers["tideway-keys"]).toBeUndefined();
  });

  test.each([
    ["another secret", `bus:${"0".repeat(64)}`, 401, "CALLER_UNKNOWN"],
    ["a part that is not configured", `control:${secret}`, 401, "CALLER_UNKNOWN"],
  ])("%s is nobody", async (_, caller, status, code) => {
    await configure(alone());
    const reply = await deliver({ caller });
    expect([reply.status, reply.json["code"]]).toEqual([status, code]);
    expect(stable.received).toHaveLength(0);
  });

  test("a service may not, not even one that may call the others' routes", async () => {
    await configure(alone());
    const caller = `ins_3:${shop.secret}`;
    const reply = await deliver({ caller });
    expect([reply.status, reply.json["code"]]).toEqual([403, "CALLER_FORBIDDEN"]);
    const headers = { "tideway-instance": caller };
    expect((await fixture.call("/api/pay/x", { headers })).status).toBe(200);
  });

  test("the bus may call nothing else", async () => {
    await configure(alone());
    const headers = { "tideway-instance": `bus:${secret}` };
    const reply = await fixture.call("/api/pay/x", { headers });
    expect([reply.status, reply.json["code"]]).toEqual([403, "CALLER_FORBIDDEN"]);
  });

  test("outside there are no such routes, whatever a manifest says of them", async () => {
    const open = route("POST /tideway/events", { auth: "platform", exposure: "public" });
    await configure(service("pay", [revision("pay-1", [open], [stable])]));
    for (const headers of [{}, { "tideway-instance": `bus:${secret}` }]) {
      const reply = await fixture.send("/api/pay/tideway/events", { method: "POST", headers });
      expect([reply.status, reply.json["code"]]).toEqual([404, "ROUTE_UNKNOWN"]);
    }
  });

  test("who is no longer configured is nobody at once", async () => {
    await configure(alone());
    expect((await deliver({})).status).toBe(200);
    await configure(alone(), {});
    expect((await deliver({})).status).toBe(401);
  });

  test("a part's name cannot be taken by an instance", async () => {
    const taken = service("pay", [
      revision("pay-1", routes, [{ ...stable.endpoint, instance: "bus" }]),
    ]);
    await expect(configure(taken)).rejects.toMatchObject({ code: "GATEWAY_CONFIG_INVALID" });
  });
});

describe("a pin", () => {
  test("leads to exactly that revision, whatever the keys' places are", async () => {
    await configure(both(1));
    for (const id of ["pay-1", "pay-2"]) {
      const reply = await deliver({ pin: `${id}@${epochOf()}`, keys: keysOf(20) });
      expect([reply.status, reply.headers["tideway-revision"]]).toEqual([200, id]);
    }
  });

  test("of an older split is refused, and the answer names the present one", async () => {
    await configure(alone());
    const before = epochOf();
    await configure(both(25));
    const reply = await deliver({ pin: `pay-1@${before}`, keys: keysOf(1) });
    expect([reply.status, reply.json["code"]]).toEqual([409, "SPLIT_EPOCH_STALE"]);
    expect(reply.json["given"]).toMatchObject({ current: epochOf() });
    expect(stable.received).toHaveLength(0);
  });

  test("holds while only other things change", async () => {
    await configure(both(25));
    const pin = `pay-1@${epochOf()}`;
    await configure(service("pay", both(25).revisions.toReversed(), 25, { split: both(25).split }));
    await fixture.configure([both(25)], { platformCallers });
    expect((await deliver({ pin, keys: keysOf(1) })).status).toBe(200);
  });

  test("to a revision that nobody knows is refused", async () => {
    await configure(alone());
    const reply = await deliver({ pin: `pay-9@${epochOf()}`, keys: keysOf(1) });
    expect([reply.status, reply.json["code"]]).toEqual([409, "SPLIT_EPOCH_STALE"]);
  });

  test("that waits for an instance is refused when the split changes, never sent elsewhere", async () => {
    const waits = (weight: number) =>
      service("pay", [revision("pay-1", routes, [stable]), revision("pay-2", routes, [])], weight);
    await configure(waits(10));
    const waiting = deliver({ pin: `pay-2@${epochOf()}`, keys: keysOf(3) });
    const queued = () =>
      fixture.gateway.state().services.find((one) => one.service === "pay")?.queued;
    await until(() => queued() === 1, { deadlineMs: 5_000, what: "it waits" });
    // The same split again leaves it waiting.
    await configure(waits(10));
    expect(queued()).toBe(1);
    await configure(alone());
    const reply = await waiting;
    expect([reply.status, reply.json["code"]]).toEqual([409, "SPLIT_EPOCH_STALE"]);
    expect([stable, candidate].flatMap(({ received }) => received)).toHaveLength(0);
    // Nobody is blamed for it.
    expect(records()).toHaveLength(0);
  });

  test("to an instance that is gone is not tried on another revision", async () => {
    await configure(both(50));
    await candidate.close();
    const pin = `pay-2@${epochOf()}`;
    const reply = await deliver({ pin, keys: keysOf(2), deadlineMs: 300 });
    // It waited for another instance of that revision until its time was over.
    expect(reply.status).toBe(504);
    expect(stable.received).toHaveLength(0);
    expect(records().map(({ kind, reason }) => [kind, reason])).toEqual([
      ["seen", null],
      ["bad", "lost"],
      ["seen", null],
      ["bad", "lost"],
    ]);
  });

  test("survives a restart of the gateway, which counts from the configuration it finds", async () => {
    await configure(both(25));
    const before = epochOf();
    await fixture.restart();
    expect(epochOf()).toBe(before);
    expect((await deliver({ pin: `pay-2@${before}`, keys: keysOf(1) })).status).toBe(200);
  });

  test.each([
    ["tideway-pin", { pin: "pay-1" }],
    ["tideway-pin", { pin: "pay-1@-1" }],
    ["tideway-keys", { keys: ["xyz"] }],
    ["tideway-keys", { keys: keysOf(201) }],
    ["tideway-keys", { keys: [""] }],
  ])("a malformed %s is refused before an instance gets anything", async (header, sent) => {
    await configure(alone());
    const reply = await deliver(sent);
    expect([reply.status, reply.json["code"]]).toEqual([400, "DELIVERY_HEADER_INVALID"]);
    expect(reply.json["given"]).toMatchObject({ header });
    expect(stable.received).toHaveLength(0);
  });
});

describe("the judge", () => {
  test("takes each key for a person, bad where the reply says that its event failed", async () => {
    await configure(both(50));
    candidate.respond = failing("1,3,999,x");
    const keys = keysOf(5);
    const reply = await deliver({ pin: `pay-2@${epochOf()}`, keys });
    expect(reply.headers["tideway-failed"]).toBe("1,3,999,x");
    const seen = records().filter(({ kind }) => kind === "seen");
    const bad = records().filter(({ kind }) => kind === "bad");
    expect(seen.map(({ person }) => person)).toEqual(keys.map(nameOf));
    expect(seen.every(({ lane }) => lane === "candidate")).toBe(true);
    expect(bad.map(({ person, reason }) => [person, reason])).toEqual([
      [nameOf(keys[1] ?? ""), "5xx"],
      [nameOf(keys[3] ?? ""), "5xx"],
    ]);
  });

  test("an event that is tried again and again is one failure, not several in a row", async () => {
    await configure(both(50));
    candidate.respond = failing("0");
    const pin = `pay-2@${epochOf()}`;
    for (let i = 0; i < 6; i++) await deliver({ pin, keys: keysOf(1) });
    const [tally] = fixture.gateway.evidence("pay", "rol_1", 0).routes;
    expect(tally?.candidate).toEqual({ total: 1, bad: 1, runMax: 1 });
    candidate.respond = failing("0,1,2,3,4");
    await deliver({ pin, keys: keysOf(8).slice(3) });
    const [after] = fixture.gateway.evidence("pay", "rol_1", 0).routes;
    expect(after?.candidate).toEqual({ total: 6, bad: 6, runMax: 6 });
  });

  test.each([503, 404])("an answer %d tells nothing of any event", async (status) => {
    await configure(both(50));
    candidate.respond = (_, res) => {
      res.writeHead(status);
      res.end();
    };
    const reply = await deliver({ pin: `pay-2@${epochOf()}`, keys: keysOf(4) });
    expect(reply.status).toBe(status);
    expect(records().filter(({ kind }) => kind === "bad")).toHaveLength(4);
    const [tally] = fixture.gateway.evidence("pay", "rol_1", 0).routes;
    expect(tally?.candidate).toEqual({ total: 1, bad: 1, runMax: 1 });
  });

  test("a batch refused as malformed is held against nobody, a single event is", async () => {
    await configure(both(50));
    candidate.respond = (_, res) => {
      res.writeHead(422);
      res.end();
    };
    const pin = `pay-2@${epochOf()}`;
    await deliver({ pin, keys: keysOf(4) });
    expect(records()).toHaveLength(0);
    await deliver({ pin, keys: keysOf(1) });
    expect(records().map(({ kind }) => kind)).toEqual(["seen", "bad"]);
  });

  test("the platform's other requests are about nobody", async () => {
    await configure(both(50));
    for (let i = 0; i < 10; i++) await deliver({ path: "/api/pay/tideway/wake" });
    expect(records()).toHaveLength(0);
    const state = fixture.gateway.state().services.find((one) => one.service === "pay");
    expect(state?.people).toEqual({ seen: 0, bad: 0 });
  });

  test("a key's lane is the same for the bus and for the judge, and only ever moves one way", () => {
    const split = { stable: "pay-1", candidate: "pay-2", rollout: "rol_1" };
    const share = (weight: number): Set<string> =>
      new Set(keysOf(2_000).filter((key) => laneOfKey({ ...split, weight }, key) === "candidate"));
    const [few, more] = [share(10), share(50)];
    expect(few.size).toBeGreaterThan(140);
    expect(few.size).toBeLessThan(260);
    expect([...few].every((key) => more.has(key))).toBe(true);
    expect(laneOfKey({ ...split, candidate: null, weight: 50 }, "0".repeat(16))).toBe("stable");
  });

  test("a key with one failed event is bad, whatever became of its others", () => {
    const status = 200;
    expect([...outcomesOf(["a", "b", "a"], { status, failed: "0" })]).toEqual([
      ["a", "bad"],
      ["b", "good"],
    ]);
    expect([...outcomesOf(["a"], { status, failed: null })]).toEqual([["a", "good"]]);
  });
});

test("a delivery may have 8 MiB, and no more", async () => {
  await configure(alone());
  const pin = `pay-1@${epochOf()}`;
  const body = JSON.stringify(["x".repeat(bodyBytesMax - 4)]);
  expect((await deliver({ pin, keys: keysOf(1), body })).status).toBe(200);
  expect(stable.received[0]?.body.length).toBe(bodyBytesMax);
  const large = await deliver({ pin, keys: keysOf(1), body: `${body} ` });
  expect([large.status, large.json["code"]]).toEqual([413, "BODY_TOO_LARGE"]);
});

test("the splits and the demand are told over the socket", async () => {
  const admin = gatewayAdmin(fixture.options.adminSocket);
  await configure(both(25));
  const page = await admin.splits();
  expect(page.services[0]).toEqual({ service: "pay", ...both(25).split, epoch: epochOf() });
  expect(page.bootId).toBe((await admin.state()).bootId);
  const asleep = service("pay", [revision("pay-1", routes, [])]);
  await configure(asleep);
  const asked = admin.demand(0);
  const waiting = fixture.send("/api/pay/x");
  expect(await asked).toEqual({ count: 1 });
  await configure(alone());
  expect((await waiting).status).toBe(200);
  admin.close();
});
