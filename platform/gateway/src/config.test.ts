import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gatewayAdmin } from "./admin-client.ts";
import type { GatewayAdmin } from "./admin-client.ts";
import { configOf, revision, route, send, service, startFixture } from "./testing/fixture.ts";
import type { Fixture } from "./testing/fixture.ts";
import type { Upstream } from "./testing/upstream.ts";

let fixture: Fixture;
let pay: Upstream;
let admin: GatewayAdmin;

beforeEach(async () => {
  fixture = await startFixture();
  pay = await fixture.upstream({ service: "pay", instance: "ins_1" });
  admin = gatewayAdmin(fixture.options.adminSocket);
});
afterEach(async () => {
  admin.close();
  await fixture.close();
});

const services = (id = "pay-1") => [service("pay", [revision(id, [route("GET /x")], [pay])])];

describe("epochs", () => {
  test("an older epoch is refused, the same and newer ones are taken", async () => {
    expect(await admin.putConfig(configOf(services(), { epoch: 7 }))).toEqual({ epoch: 7 });
    expect(await admin.putConfig(configOf(services("pay-2"), { epoch: 7 }))).toEqual({ epoch: 7 });
    await expect(admin.putConfig(configOf(services(), { epoch: 6 }))).rejects.toMatchObject({
      code: "GATEWAY_EPOCH_STALE",
      given: { given: "6", current: "7" },
    });
    const state = await admin.state();
    expect(state.epoch).toBe(7);
    expect(state.services[0]?.revisions[0]?.revision).toBe("pay-2");
  });

  test("of many sent at once the highest is in force and on disk", async () => {
    const epochs = [3, 9, 1, 10, 2, 8];
    const sent = epochs.map((epoch) => admin.putConfig(configOf(services(), { epoch })));
    await Promise.allSettled(sent);
    expect((await admin.state()).epoch).toBe(10);
    const stored: unknown = JSON.parse(await readFile(fixture.options.configFile, "utf8"));
    expect(stored).toMatchObject({ epoch: 10 });
  });
});

describe("persistence", () => {
  test("before the first configuration the gateway says it is not ready", async () => {
    expect((await fixture.send("/health")).status).toBe(503);
    const reply = await fixture.send("/api/pay/x");
    expect([reply.status, reply.json["code"]]).toEqual([503, "GATEWAY_NOT_CONFIGURED"]);
    await admin.putConfig(configOf(services()));
    expect((await fixture.send("/health")).status).toBe(200);
  });

  test("the last configuration is in force again after a restart, and still guards its epoch", async () => {
    await admin.putConfig(configOf(services(), { epoch: 5 }));
    const before = await admin.state();
    expect((await stat(fixture.options.configFile)).mode & 0o777).toBe(0o600);
    expect((await stat(fixture.options.adminSocket)).mode & 0o777).toBe(0o600);
    admin.close();
    await fixture.restart();
    expect((await fixture.send("/api/pay/x")).status).toBe(200);
    const after = await admin.state();
    expect(after.epoch).toBe(5);
    expect(after.bootId).not.toBe(before.bootId);
    await expect(admin.putConfig(configOf(services(), { epoch: 4 }))).rejects.toMatchObject({
      code: "GATEWAY_EPOCH_STALE",
    });
  });

  test("what could not be stored is not in force", async () => {
    await admin.putConfig(configOf(services(), { epoch: 5 }));
    // A folder in the way of the file that is written first.
    const { mkdir } = await import("node:fs/promises");
    await mkdir(`${fixture.options.configFile}.next`);
    await expect(admin.putConfig(configOf(services("pay-2"), { epoch: 6 }))).rejects.toMatchObject({
      code: "INTERNAL",
    });
    expect((await admin.state()).epoch).toBe(5);
  });

  test("a damaged file does not keep the gateway down", async () => {
    await admin.putConfig(configOf(services()));
    admin.close();
    await fixture.gateway.close();
    await writeFile(fixture.options.configFile, '{"epoch": 5, "serv');
    await chmod(fixture.options.configFile, 0o600);
    const gateway = await fixture.restart();
    expect((await send(gateway.publicPort, "/health")).status).toBe(503);
    await admin.putConfig(configOf(services(), { epoch: 1 }));
    expect((await send(gateway.publicPort, "/health")).status).toBe(200);
  });
});

describe("checks", () => {
  const good = () => structuredClone(configOf(services()));
  type Path = readonly [path: string, change: (config: Record<string, never>) => unknown];
  const set = (path: string, value: unknown): Path => [
    path,
    (config) => {
      const steps = path.split("/").slice(1);
      const last = steps.pop() ?? "";
      const parent = steps.reduce<unknown>((at, step) => Reflect.get(Object(at), step), config);
      Reflect.set(Object(parent), last, value);
    },
  ];

  test.each([
    set("/epoch", -1),
    set("/epoch", 1.5),
    set("/services", null),
    set("/services/0/name", "Pay Ments"),
    set("/services/0/split/weight", 101),
    set("/services/0/split/weight", "5"),
    set("/services/0/revisions/0/endpoints/0/url", "http://127.0.0.1:1/path"),
    set("/services/0/revisions/0/endpoints/0/url", "file:///etc/passwd"),
    set("/services/0/revisions/0/endpoints/0/authHash", "zz"),
    set("/services/0/revisions/0/routes/0/auth", "nobody"),
    set("/services/0/revisions/0/routes/0/path", "x\r\n"),
    set("/services/0/revisions/0/routes/0/deadlineMs", 0),
    set("/apps", [{ path: "wallet", folder: "/x" }]),
    set("/tokens/path", "keys"),
  ])("a wrong %s is refused and nothing changes", async (path, change) => {
    await admin.putConfig(configOf(services(), { epoch: 1 }));
    const config = good();
    change(Object(config));
    await expect(admin.putConfig(config)).rejects.toMatchObject({
      code: "GATEWAY_CONFIG_INVALID",
      given: { path: expect.stringContaining(path.split("/", 3).join("/")) },
    });
    expect((await fixture.send("/api/pay/x")).status).toBe(200);
  });

  test("a split that names no revision, and an instance named twice, are refused", async () => {
    const lost = service("pay", [revision("pay-1", [], [pay])]);
    const split = { ...lost.split, stable: "pay-9" };
    for (const wrong of [{ ...lost, split }, service("pay", [revision("pay-1", [], [pay, pay])])]) {
      await expect(admin.putConfig(configOf([wrong]))).rejects.toMatchObject({
        code: "GATEWAY_CONFIG_INVALID",
      });
    }
  });
});

test("metrics are Prometheus text with the counters in it", async () => {
  await admin.putConfig(configOf(services()));
  await fixture.send("/api/pay/x");
  const text = await admin.metrics();
  expect(text).toContain('tideway_gateway_requests_total{service="pay",revision="pay-1"} 1\n');
  expect(text).toContain('_duration_seconds_bucket{service="pay",revision="pay-1",le="+Inf"} 1\n');
  for (const line of text.trim().split("\n")) {
    expect(line).toMatch(/^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{(?:\w+="[^"]*",?)+\})? [\d.e+-]+)$/);
  }
});

test("a gateway that is not there is unavailable", async () => {
  const nobody = gatewayAdmin(`${fixture.folder}/nobody.sock`);
  await expect(nobody.state()).rejects.toMatchObject({ code: "UPSTREAM_UNAVAILABLE" });
});
