/** Nothing is lost while endpoints, revisions and processes come and go under load. */
import { until } from "@tideway/kernel";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Endpoint } from "./config.ts";
import { revision, route, service, startFixture } from "./testing/fixture.ts";
import type { Fixture } from "./testing/fixture.ts";
import { startLoad } from "./testing/load.ts";
import type { Load } from "./testing/load.ts";
import type { Respond } from "./testing/upstream.ts";

const routes = [route("GET /x"), route("POST /x")];
/** Takes a few milliseconds, so that requests are always under way. */
const slowly: Respond = (_, res) => {
  setTimeout(() => res.end("{}"), 5);
};

let fixture: Fixture;
let children: ChildProcess[] = [];

beforeEach(async () => {
  fixture = await startFixture();
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  await fixture.close();
});

const served = (load: Load, count: number): Promise<unknown> => {
  const goal = load.total + count;
  return until(() => load.total >= goal, { deadlineMs: 10_000, what: `${count} more requests` });
};

test("instances replaced one by one under load fail no request, POST or GET", async () => {
  const start = (index: number) =>
    fixture.upstream({ service: "pay", instance: `ins_${index}`, respond: slowly });
  let running = [await start(0), await start(1)];
  const configure = (): Promise<void> =>
    fixture.configure([service("pay", [revision("pay-1", routes, running)])]);
  await configure();
  const { publicPort } = fixture.gateway;
  const reads = startLoad(publicPort, "/api/pay/x", { concurrency: 8 });
  const options = { concurrency: 8, method: "POST", body: "{}" };
  const writes = startLoad(publicPort, "/api/pay/x", options);
  for (let index = 2; index < 10; index++) {
    const [oldest, ...rest] = running;
    running = [...rest, await start(index)];
    await configure();
    // As control does it: once the gateway has confirmed, the instance finishes what it has.
    await served(writes, 40);
    const last = oldest?.received.length;
    await served(writes, 40);
    expect(oldest?.received.length).toBe(last);
    await oldest?.close();
  }
  for (const counts of [await reads.stop(), await writes.stop()]) {
    expect([...counts.keys()]).toEqual([200]);
  }
  expect(reads.total + writes.total).toBeGreaterThan(600);
});

test("a new revision taken to 100 % and the old one withdrawn under load fails no request", async () => {
  const old = await fixture.upstream({ service: "pay", instance: "ins_1", respond: slowly });
  const next = await fixture.upstream({ service: "pay", instance: "ins_2", respond: slowly });
  const [one, two] = [revision("pay-1", routes, [old]), revision("pay-2", routes, [next])];
  await fixture.configure([service("pay", [one])]);
  const headers = { cookie: `tideway_visitor=${"v".repeat(22)}` };
  const load = startLoad(fixture.gateway.publicPort, "/api/pay/x", {
    concurrency: 10,
    method: "POST",
    body: "{}",
    headers,
  });
  for (const weight of [0, 5, 50, 100]) {
    await fixture.configure([service("pay", [one, two], weight)]);
    await served(load, 60);
  }
  await fixture.configure([service("pay", [two])]);
  await served(load, 60);
  expect([...(await load.stop()).keys()]).toEqual([200]);
  expect(next.received.length).toBeGreaterThan(60);
});

test("an instance killed with -9 costs reads nothing, and writes only what was under way", async () => {
  const steady = await fixture.upstream({ service: "pay", instance: "ins_1" });
  const doomed = await startChild("ins_doomed");
  await fixture.configure([
    service("pay", [revision("pay-1", routes, [steady.endpoint, doomed.endpoint])]),
  ]);
  const { publicPort } = fixture.gateway;
  const concurrency = 8;
  const reads = startLoad(publicPort, "/api/pay/x", { concurrency });
  const writes = startLoad(publicPort, "/api/pay/x", { concurrency, method: "POST", body: "{}" });
  await served(writes, 100);
  doomed.child.kill("SIGKILL");
  await served(writes, 200);
  expect([...(await reads.stop()).keys()]).toEqual([200]);
  const counts = await writes.stop();
  const lost = counts.get(502) ?? 0;
  expect((counts.get(200) ?? 0) + lost).toBe(writes.total);
  expect(lost).toBeLessThanOrEqual(concurrency);
  const endpoints = fixture.gateway.state().services[0]?.revisions[0]?.endpoints;
  expect(endpoints?.map((one) => one.healthy)).toEqual([true, false]);
});

test("an endpoint that says it is not ready gets nothing until it is", async () => {
  const one = await fixture.upstream({ service: "pay", instance: "ins_1" });
  const two = await fixture.upstream({ service: "pay", instance: "ins_2" });
  await fixture.configure([service("pay", [revision("pay-1", routes, [one, two])])]);
  const healthy = (): boolean | undefined =>
    fixture.gateway.state().services[0]?.revisions[0]?.endpoints[0]?.healthy;
  one.ready = 503;
  await until(() => healthy() === false, { deadlineMs: 4_000, what: "unhealthy" });
  for (let i = 0; i < 20; i++) await fixture.send("/api/pay/x");
  expect(one.received).toHaveLength(0);
  one.ready = 200;
  await until(() => healthy() === true, { deadlineMs: 4_000, what: "healthy" });
  for (let i = 0; i < 40; i++) await fixture.send("/api/pay/x");
  expect(one.received.length).toBeGreaterThan(0);
});

test("a departing instance may still call others while it finishes", async () => {
  const caller = await fixture.upstream({ service: "pay", instance: "ins_1" });
  const ledger = await fixture.upstream({ service: "ledger", instance: "ins_2" });
  const callee = service("ledger", [revision("ledger-1", [route("GET /x")], [ledger])]);
  const extra = { calls: ["ledger"] };
  await fixture.configure([callee, service("pay", [revision("pay-1", routes, [caller], extra)])]);
  await fixture.configure([callee, service("pay", [revision("pay-1", routes, [], extra)])]);
  const headers = { "tideway-instance": `ins_1:${caller.secret}` };
  expect((await fixture.call("/api/ledger/x", { headers })).status).toBe(200);
});

async function startChild(instance: string): Promise<{ child: ChildProcess; endpoint: Endpoint }> {
  const file = join(import.meta.dirname, "testing", "upstream-process.ts");
  const child = spawn(process.execPath, [file, instance], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, "line")) as [string];
  return { child, endpoint: JSON.parse(line) as Endpoint };
}
