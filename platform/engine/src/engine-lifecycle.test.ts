/** Real processes of a small real service; only the variable that sets its behaviour is artificial. */
import { existsSync } from "node:fs";
import { readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { until } from "@tideway/kernel";
import { assertionKeyOf, authHashOf } from "@tideway/trust";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isAlive, startTimeOf } from "./process-identity.ts";
import { openTestHome, processesOf } from "./testing/test-home.ts";
import type { TestHome } from "./testing/test-home.ts";

interface Who {
  readonly pid: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
}

let home: TestHome;
beforeEach(async () => {
  home = await openTestHome();
});
afterEach(() => home.close());

async function who(url: string): Promise<Who> {
  return (await (await fetch(`${url}/who`)).json()) as Who; // the fixture answers exactly this
}

test("an ensured revision gets its instances, each ready at its own address", async () => {
  const engine = home.engine();
  const revision = await home.revision();
  await engine.ensure(revision, { min: 2, max: 4 }, 1);
  const instances = await engine.ready("echo-1", 2);

  expect(new Set(instances.map((instance) => instance.url)).size).toBe(2);
  for (const instance of instances) {
    const answer = await who(instance.url);
    expect(answer.pid).toBe(instance.pid);
    expect(answer.folder).toBe(revision.folder);
    expect(instance.readyAtMs).toBeGreaterThanOrEqual(instance.startedAtMs);
    expect(instance).toMatchObject({ restarts: 0, failure: null });
  }
  expect(engine.state("echo-1")).toMatchObject({ epoch: 1, failure: null });
});

test("an instance gets its own secret and nothing of the engine's environment", async () => {
  process.env["TIDEWAY_OF_THE_ENGINE"] = "not for instances";
  try {
    const engine = home.engine({ memoryLimitMb: 64 });
    const revision = await home.revision();
    await engine.ensure(revision, { min: 1, max: 1 }, 1);
    const [instance] = await engine.ready("echo-1", 1);
    const { environment } = await who(instance?.url ?? "");

    const secret = environment["TIDEWAY_INSTANCE_SECRET"] ?? "";
    expect(authHashOf(secret)).toBe(instance?.authHash);
    expect(assertionKeyOf(secret)).toBe(instance?.assertionKey);
    expect(environment).toMatchObject({
      TIDEWAY_SERVICE: "echo",
      TIDEWAY_REVISION: "echo-1",
      TIDEWAY_INSTANCE: instance?.instance,
      TIDEWAY_LISTEN: "fd:3",
      NODE_COMPILE_CACHE: `${revision.folder}/.compile-cache`,
    });
    expect(environment).not.toHaveProperty("TIDEWAY_OF_THE_ENGINE");

    const record = home.path(`run/instances/${instance?.instance}.json`);
    const text = await readFile(record, "utf8");
    expect(text).not.toContain(secret);
    expect((await stat(record)).mode & 0o777).toBe(0o600);
    const startTime = startTimeOf(instance?.pid ?? 0);
    expect(JSON.parse(text)).toMatchObject({ pid: instance?.pid, startTime, revision: "echo-1" });
  } finally {
    delete process.env["TIDEWAY_OF_THE_ENGINE"];
  }
});

test("a request made while the instance starts waits and is answered", async () => {
  const engine = home.engine();
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  const spawned = await engine.reach("echo-1", "an address", (s) => s.instances[0]?.url !== "");
  const [instance] = spawned.instances;
  expect(instance?.status).toBe("starting");
  expect((await who(instance?.url ?? "")).pid).toBe(instance?.pid);
});

test("readiness follows what /ready answers", async () => {
  const readyFile = home.path("ready");
  home.behaviour = { readyFile };
  const engine = home.engine({ probeIntervalMs: 50, probesFailedMax: 3 });
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  await engine.reach("echo-1", "starting", (s) => s.instances[0]?.status === "starting");
  await writeFile(readyFile, "");
  const [before] = await engine.ready("echo-1", 1);

  await rm(readyFile);
  const unready = await engine.reach(
    "echo-1",
    "unready",
    (s) => s.instances[0]?.status !== "ready",
  );
  expect(unready.instances[0]).toMatchObject({
    instance: before?.instance,
    status: "starting",
    failure: { reason: "/ready answered 503", status: 503, body: "not yet" },
  });
  await writeFile(readyFile, "");
  const [after] = await engine.ready("echo-1", 1);
  expect(after).toMatchObject({ instance: before?.instance, failure: null });
});

test("a killed instance is replaced at once, by another id and another secret", async () => {
  const engine = home.engine();
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  const [first] = await engine.ready("echo-1", 1);
  const killedAt = performance.now();
  process.kill(first?.pid ?? 0, "SIGKILL");
  const [second] = await until(
    async () => {
      const instances = await engine.ready("echo-1", 1);
      return instances[0]?.instance !== first?.instance && instances;
    },
    { deadlineMs: 10_000, what: "another instance is ready" },
  );

  expect(performance.now() - killedAt).toBeLessThan(2_000);
  expect(second).toMatchObject({ restarts: 1, failure: null });
  expect(second?.authHash).not.toBe(first?.authHash);
  const reasons = engine.history.flatMap((s) => s.instances.map((i) => i.failure?.reason));
  expect(reasons).toContain("was ended by SIGKILL");
  expect(existsSync(home.path(`run/instances/${first?.instance}.json`))).toBe(false);
});

test("what an instance started ends with it", async () => {
  const engine = home.engine();
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  const [instance] = await engine.ready("echo-1", 1);
  const child = Number(await (await fetch(`${instance?.url}/child`)).text());
  const identity = { pid: child, startTime: startTimeOf(child) ?? "none" };
  expect(isAlive(identity)).toBe(true);
  process.kill(instance?.pid ?? 0, "SIGKILL");
  await until(() => !isAlive(identity), { deadlineMs: 5_000, what: "the child is gone" });
});

test("an instance that stays unready is replaced", async () => {
  const readyFile = home.path("ready");
  await writeFile(readyFile, "");
  home.behaviour = { readyFile };
  const engine = home.engine({ probeIntervalMs: 30, unreadyTimeoutMs: 200 });
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  const [first] = await engine.ready("echo-1", 1);
  await rm(readyFile);
  await engine.reach("echo-1", "another", (s) => s.instances[0]?.instance !== first?.instance);
  await writeFile(readyFile, "");
  const [second] = await engine.ready("echo-1", 1);
  expect(second?.restarts).toBeGreaterThanOrEqual(1);
  const failures = engine.history.flatMap((s) => s.instances.flatMap((i) => i.failure ?? []));
  expect(failures).toContainEqual(
    expect.objectContaining({
      reason: "/ready answered 503 and was not ready within 200 ms",
      status: 503,
    }),
  );
});

test("memory and processor time are measured for what runs", async () => {
  const engine = home.engine();
  await engine.ensure(await home.revision(), { min: 2, max: 2 }, 1);
  const instances = await engine.ready("echo-1", 2);
  const stats = await engine.stats("echo-1");
  expect(stats.map((each) => each.instance).sort()).toEqual(
    instances.map((each) => each.instance).sort(),
  );
  for (const each of stats) {
    expect(each.memoryBytes).toBeGreaterThan(4 * 1_048_576);
    expect(each.memoryBytes).toBeLessThan(1_024 * 1_048_576);
    expect(each.cpuMs).toBeGreaterThan(0);
  }
  expect(await engine.stats("echo-2")).toEqual([]);
});

test("lowering the minimum drains the youngest", async () => {
  const engine = home.engine();
  const revision = await home.revision();
  await engine.ensure(revision, { min: 1, max: 3 }, 1);
  const [oldest] = await engine.ready("echo-1", 1);
  await engine.ensure(revision, { min: 3, max: 3 }, 2);
  await engine.ready("echo-1", 3);
  await engine.ensure(revision, { min: 1, max: 3 }, 3);
  const left = await engine.ready("echo-1", 1);
  expect(left.map((each) => each.instance)).toEqual([oldest?.instance]);
  await until(async () => (await processesOf(home.home)).length === 1, {
    deadlineMs: 5_000,
    what: "one process is left",
  });
  expect(await readdir(home.path("run/instances"))).toHaveLength(2);
});
