/**
 * Engines that die or are replaced. The first engine of each test lives in a process of its own,
 * so that it can be killed as control would be: at any moment and without a last word.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { until } from "@tideway/kernel";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { InstanceRecord } from "./instance-record.ts";
import { openTestHome, processesOf } from "./testing/test-home.ts";
import type { TestHome } from "./testing/test-home.ts";

const HOST = new URL("./testing/engine-host.ts", import.meta.url).pathname;

let home: TestHome;
const hosts = new Set<ChildProcess>();
beforeEach(async () => {
  home = await openTestHome();
});
afterEach(async () => {
  for (const host of hosts) await kill(host, "SIGKILL");
  hosts.clear();
  await home.close();
});

function startHost(count: number): ChildProcess {
  const host = spawn(process.execPath, [HOST, home.home, String(count)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  hosts.add(host);
  return host;
}

async function readyHost(count: number): Promise<ChildProcess> {
  const host = startHost(count);
  let written = "";
  host.stdout?.on("data", (chunk: Buffer) => (written += chunk.toString()));
  await until(() => written.includes("ready"), { deadlineMs: 20_000, what: "the host is ready" });
  return host;
}

async function kill(host: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (host.exitCode !== null || host.signalCode !== null) return;
  const ended = once(host, "exit");
  host.kill(signal);
  await ended;
}

async function records(): Promise<InstanceRecord[]> {
  const folder = home.path("run/instances");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  const texts = await Promise.all(names.map((name) => readFile(`${folder}/${name}`, "utf8")));
  return texts.map((text) => JSON.parse(text) as InstanceRecord); // written by our own store
}

/** The processes of instances: the host's own command names the home too. */
async function instancePids(): Promise<number[]> {
  return processesOf(home.path("revisions"));
}

test("instances outlive their engine, go on logging, and are adopted ready", async () => {
  const host = await readyHost(2);
  const before = await records();
  await kill(host, "SIGKILL");

  // Two lines a pipe would not have taken any more.
  for (const { port } of before) {
    const answer = await fetch(`http://127.0.0.1:${port}/log?text=alone`);
    expect(await answer.text()).toBe("logged");
  }
  const engine = home.engine();
  const first = await engine.reach("echo-1", "adopted", (s) => s.instances.length === 2);
  expect(first).toBe(engine.history[0]);
  expect(first.epoch).toBe(5);
  for (const record of before) {
    const adopted = first.instances.find((i) => i.instance === record.instance);
    expect(adopted).toMatchObject({
      status: "ready",
      pid: record.pid,
      url: `http://127.0.0.1:${record.port}`,
      authHash: record.authHash,
      assertionKey: record.assertionKey,
      startedAtMs: record.startedAtMs,
      restarts: 0,
    });
    const log = home.path(`logs/instances/echo-1/${record.instance}.log`);
    expect(await readFile(log, "utf8")).toMatch(/\nalone\n$/);
  }
});

test("what was adopted is kept, counted and replaced like one's own", async () => {
  await kill(await readyHost(2), "SIGUSR2");
  const before = new Set((await records()).map((record) => record.instance));
  const engine = home.engine();
  const revision = await home.revision();
  const stale = engine.ensure(revision, { min: 1, max: 1 }, 4);
  await expect(stale).rejects.toMatchObject({ code: "ENGINE_EPOCH_STALE" });
  await engine.ensure(revision, { min: 2, max: 2 }, 6);
  const kept = await engine.ready("echo-1", 2);
  expect(new Set(kept.map((i) => i.instance))).toEqual(before);

  const killedAt = performance.now();
  process.kill(kept[0]?.pid ?? 0, "SIGKILL");
  const replaced = await engine.reach("echo-1", "the killed one is replaced", (s) =>
    s.instances.every((i) => i.status === "ready" && i.instance !== kept[0]?.instance),
  );
  expect(performance.now() - killedAt).toBeLessThan(2_000);
  expect(new Set(replaced.instances.map((i) => i.restarts))).toEqual(new Set([0, 1]));
});

test("adopted instances of revisions nobody ensures live until it is settled", async () => {
  await kill(await readyHost(2), "SIGKILL");
  const engine = home.engine();
  await engine.ensure(await home.revision(2), { min: 1, max: 1 }, 9);
  await engine.ready("echo-2", 1);
  expect(await engine.ready("echo-1", 2)).toHaveLength(2);
  const [one] = engine.state("echo-1")?.instances ?? [];
  // Nobody has said how to start another one.
  process.kill(one?.pid ?? 0, "SIGKILL");
  await engine.ready("echo-1", 1);
  await engine.settle(5_000);
  expect(engine.state("echo-1")?.instances).toEqual([]);
  expect(await instancePids()).toHaveLength(1);
  await engine.ready("echo-2", 1);
});

test("an adopted revision can be removed without having been ensured", async () => {
  await kill(await readyHost(1), "SIGKILL");
  const engine = home.engine();
  await engine.remove("echo-1", 5_000);
  expect(await instancePids()).toEqual([]);
  expect(await records()).toEqual([]);
});

test("a successor goes on draining what its predecessor drained", async () => {
  home.behaviour = { ignoresTerm: true };
  const first = home.engine();
  await first.ensure(await home.revision(), { min: 1, max: 1 }, 1);
  await first.ready("echo-1", 1);
  const removal = first.remove("echo-1", 600_000);
  const closed = expect(removal).rejects.toMatchObject({ code: "ENGINE_CLOSED" });
  await first.reach("echo-1", "draining", (s) => s.instances[0]?.status === "draining");
  await first.close();
  await closed;
  const second = home.engine({ drainGraceMs: 200 });
  await second.reach("echo-1", "gone", (s) => s.instances.length === 0);
  expect(await instancePids()).toEqual([]);
});

test("an engine killed while it starts instances leaks none", async () => {
  // Killed as soon as the n-th record is there: between writing, starting and noting the pid.
  for (const count of [1, 2, 3, 5, 8]) {
    const host = startHost(8);
    const folder = home.path("run/instances");
    const recorded = async (): Promise<boolean> => {
      const names = await readdir(folder).catch(() => []);
      return names.filter((name) => name.endsWith(".json")).length >= count;
    };
    await until(recorded, { deadlineMs: 20_000, intervalMs: 1, what: `${count} records` });
    await kill(host, "SIGKILL");
    const engine = home.engine();
    await engine.settle(0);
    await engine.close();
    await until(async () => (await instancePids()).length === 0, {
      deadlineMs: 5_000,
      what: `nothing is left after ${count} records`,
    });
    expect(await readdir(folder)).toEqual([]);
    await rm(home.path("logs"), { recursive: true, force: true });
  }
});

test("records of what ended, of another boot and damaged ones are cleared away", async () => {
  const host = await readyHost(1);
  await kill(host, "SIGKILL");
  const [live] = await records();
  if (live === undefined) throw new Error("The host wrote no record.");
  const folder = home.path("run/instances");
  const name = (digit: string): string => `ins_0${digit.repeat(25)}`;
  const write = (digit: string, change: object): Promise<void> =>
    writeFile(
      `${folder}/${name(digit)}.json`,
      JSON.stringify({ ...live, instance: name(digit), ...change }),
    );
  // The pid is in use, by a process that started at another time: this test's own.
  await write("1", { pid: process.pid, startTime: "1" });
  await write("2", { boot: "another" });
  await write("3", { pid: null, startTime: null });
  await writeFile(`${folder}/${name("4")}.json`, '{"recordVersion":1');
  await writeFile(`${folder}/${name("5")}.json`, '{"recordVersion":2}');
  await writeFile(`${folder}/${name("6")}.pid`, "");

  const engine = home.engine();
  await engine.ready("echo-1", 1);
  // Never announced: an address of what is dead would be sent requests.
  const announced = engine.history.flatMap((state) => state.instances.map((i) => i.instance));
  expect(new Set(announced)).toEqual(new Set([live.instance]));
  expect((await readdir(folder)).sort()).toEqual([`${live.instance}.json`, `${live.instance}.pid`]);
  expect(home.errors).toEqual([]);
});
