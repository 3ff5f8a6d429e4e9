/** Revisions that cannot be started, or crash: what is reported, and how often it is tried. */
import { readdir, rm } from "node:fs/promises";
import { until } from "@tideway/kernel";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTestHome } from "./testing/test-home.ts";
import type { TestHome } from "./testing/test-home.ts";

let home: TestHome;
beforeEach(async () => {
  home = await openTestHome();
});
afterEach(() => home.close());

test("three crashes at the start make the revision fail, with its last words", async () => {
  home.behaviour = { exitCode: 3 };
  const engine = home.engine({ restartDelayMs: 40 });
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  const state = await engine.reach("echo-1", "failing", (s) => s.failure !== null);
  expect(state.failure).toMatchObject({
    reason: "exited with code 3 before it was ready",
    status: null,
    body: null,
  });
  expect(state.failure?.logLines[0]).toMatch(/^started ins_/);
  expect(state.failure?.logLines[1]).toBe("the table accounts is missing");
  const twice = engine.history.filter((s) => s.instances[0]?.restarts === 1);
  expect(twice.length).toBeGreaterThan(0);
  expect(twice.every((s) => s.failure === null)).toBe(true);
});

test("a failing revision that gets ready after all no longer fails", async () => {
  home.behaviour = { exitCode: 3 };
  const engine = home.engine({ restartDelayMs: 40 });
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  await engine.reach("echo-1", "failing", (s) => s.failure !== null);
  home.behaviour = {};
  const [instance] = await engine.ready("echo-1", 1);
  expect(instance?.restarts).toBeGreaterThanOrEqual(3);
  expect(engine.state("echo-1")?.failure).toBeNull();
});

test("a revision that is not ready in time fails with the answer's status and 2 KB of its body", async () => {
  home.behaviour = { readyFile: home.path("never"), unreadyBody: "no database".padEnd(5_000, ".") };
  const engine = home.engine({ readyTimeoutMs: 700 });
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  const { failure } = await engine.reach("echo-1", "failing", (s) => s.failure !== null);
  expect(failure).toMatchObject({
    reason: "/ready answered 503 and was not ready within 700 ms",
    status: 503,
  });
  expect(failure?.body).toHaveLength(2_048);
  expect(failure?.body).toMatch(/^no database/);
  expect(failure?.logLines.join()).toMatch(/^started ins_/);
});

test("restarts of what always crashes come ever slower", async () => {
  home.behaviour = { exitCode: 1 };
  // No jitter: 0, 200, 400 ms.
  const engine = home.engine({ restartDelayMs: 200, random: () => 0.999_999 });
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  await engine.reach("echo-1", "three restarts", (s) => s.instances[0]?.restarts === 3);
  const startedAt = new Map<number, number>();
  for (const { instances } of engine.history) {
    const [instance] = instances;
    if (typeof instance?.pid === "number") startedAt.set(instance.restarts, instance.startedAtMs);
  }
  const gaps = [1, 2, 3].map((n) => (startedAt.get(n) ?? 0) - (startedAt.get(n - 1) ?? 0));
  expect(gaps[1]).toBeGreaterThanOrEqual(200);
  expect(gaps[2]).toBeGreaterThanOrEqual(400);
  expect(gaps[0]).toBeLessThan(gaps[1] ?? 0);
});

test("what lived long enough before it crashed is restarted at once each time", async () => {
  home.behaviour = { exitCode: 1 };
  // With a delay of 30 s at least from the second restart on, three would not be reached in time.
  const engine = home.engine({
    restartDelayMs: 60_000,
    maxRestartDelayMs: 60_000,
    steadyAfterMs: 0,
  });
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  const restarted = await engine.reach(
    "echo-1",
    "three restarts",
    (s) => (s.instances[0]?.restarts ?? 0) >= 3,
  );
  expect(restarted.failure).not.toBeNull();
});

test("an instance that crashes in the middle of its work is restarted", async () => {
  const engine = home.engine();
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  const [first] = await engine.ready("echo-1", 1);
  await expect(fetch(`${first?.url}/exit`)).rejects.toThrow();
  await engine.reach("echo-1", "restarted", (s) => s.instances[0]?.restarts === 1);
  await engine.ready("echo-1", 1);
  const failures = engine.history.flatMap((s) => s.instances.flatMap((i) => i.failure ?? []));
  expect(failures).toContainEqual(
    expect.objectContaining({ reason: "exited with code 9", status: null, body: null }),
  );
  expect(engine.state("echo-1")?.failure).toBeNull();
});

test("a missing bundle is reported in node's own words", async () => {
  const engine = home.engine({ restartDelayMs: 40 });
  const revision = await home.revision();

  await rm(`${revision.folder}/main.mjs`);
  await engine.ensure(revision, { min: 1, max: 1 }, 1);
  const { failure } = await engine.reach("echo-1", "failing", (s) => s.failure !== null);
  expect(failure?.reason).toBe("exited with code 1 before it was ready");
  expect(failure?.logLines.join("\n")).toContain("Cannot find module");
});

test("a missing folder and missing variables are reported, and tried again", async () => {
  let refuse = true;
  const engine = home.engine({
    restartDelayMs: 40,
    environment: () =>
      refuse ? Promise.reject(new Error("the database is away")) : Promise.resolve({}),
  });
  const revision = await home.revision();
  await engine.ensure({ ...revision, folder: home.path("nowhere") }, { min: 1, max: 1 }, 1);
  const first = await engine.reach("echo-1", "failing", (s) => s.failure !== null);
  expect(first.failure?.reason).toBe("the database is away");
  refuse = false;
  const second = await engine.reach(
    "echo-1",
    "another failure",
    (s) => s.failure?.reason !== "the database is away",
  );
  expect(second.failure?.reason).toMatch(/^ins_\w+ of echo-1 could not be started: ENOENT/);
  await engine.ensure(revision, { min: 1, max: 1 }, 1);
  await engine.ready("echo-1", 1);
});

test("variables that never come do not hold a place for ever", async () => {
  const engine = home.engine({
    environmentTimeoutMs: 50,
    restartDelayMs: 20,
    environment: () => new Promise(() => undefined),
  });
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  const { failure } = await engine.reach("echo-1", "failing", (s) => s.failure !== null);
  expect(failure?.reason).toMatch(/were not there within 50 ms/);
});

test("of instances that crash again and again only the newest logs are kept", async () => {
  home.behaviour = { exitCode: 1 };
  const engine = home.engine({ restartDelayMs: 1, maxRestartDelayMs: 10, logsEndedMax: 2 });
  await engine.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  await engine.reach("echo-1", "many restarts", (s) => (s.instances[0]?.restarts ?? 0) >= 5);
  await engine.remove("echo-1", 1_000);
  await until(async () => (await readdir(home.path("logs/instances/echo-1"))).length <= 2, {
    deadlineMs: 5_000,
    what: "two logs are left",
  });
});
