/** `up`, `status` and `down` as a person types them; only control, gateway and bus are small stand-ins. */
import * as fs from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { until } from "@tideway/kernel";
import { backendsOf, findPostmaster, isAlive } from "@tideway/supervisor";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { doctor } from "../commands/doctor.ts";
import { down } from "../commands/down.ts";
import { status } from "../commands/status.ts";
import { makeUp } from "../commands/up.ts";
import type { UpContext } from "../deploy-missing.ts";
import type { Home } from "../home.ts";
import { postgresFiles } from "../postgres/start-options.ts";
import { readSupervisor, runningProcesses } from "../supervisor-client.ts";
import {
  aHome,
  aPreparedHome,
  fixtures,
  freePorts,
  removeHome,
  run,
  start,
} from "../test/a-home.ts";

let home: Home;
let port = 0;
let deployed: UpContext[] = [];
const up = makeUp({
  entryPoints: fixtures,
  deployMissing: (context) => {
    deployed.push(context);
    context.announceSignIn({ app: "wallet", name: "ada@example.org", password: "a password" });
    return Promise.resolve();
  },
});
const commands = [up, down, status, doctor];

const template = aHome();

beforeEach(async () => {
  home = aPreparedHome(template);
  port = await freePorts();
  deployed = [];
});

afterEach(() => removeHome(home));
afterAll(() => removeHome(template));

const args = (name: string, ...rest: string[]): string[] => [name, "--home", home.folder, ...rest];
const upArgs = (...rest: string[]): string[] => args("up", "--port", String(port), ...rest);

describe("up --detach", () => {
  test("starts everything, tells each step with its time, and says where to go", async () => {
    const { code, stdout, stderr } = await run(commands, upArgs("--detach"));
    expect(stderr).toContain("ready");
    expect(code).toBe(0);
    for (const words of ["checked", "prepared", "takes connections", "control", "gateway", "bus"])
      expect(stderr).toMatch(new RegExp(`✓ .*${words}.*\\d s`));
    expect(stdout.trim().split("\n")).toEqual([
      `wallet          http://127.0.0.1:${port}`,
      `console         http://127.0.0.1:${port + 1}`,
      "wallet sign-in  ada@example.org  a password",
    ]);
    expect(deployed).toMatchObject([{ up: { profile: "demo" }, home: { folder: home.folder } }]);
  });

  test("hands each process its descriptors and variables, and nothing else of the shell", async () => {
    await run(commands, upArgs("--detach"), { HOME_SECRET: "x" });
    const [open, operators, internal] = await Promise.all(
      [0, 1, 2].map((offset) => ask(port + offset)),
    );
    expect(open).toMatchObject({ fd: 3, env: { TIDEWAY_POSTGRES_URL: "" } });
    expect(internal).toMatchObject({ fd: 4, pid: open?.pid });
    expect(operators).toMatchObject({ fd: 3, env: { TIDEWAY_HOME: home.folder } });
    expect(operators?.env["TIDEWAY_POSTGRES_URL"]).toMatch(/^postgresql:\/\/postgres:.+@%2F/);
    expect(operators?.env["HOME_SECRET"]).toBeUndefined();
  });

  test("the bus learns where it is and nothing of the database, and is waited for", async () => {
    const nats = "nats://127.0.0.1:4222";
    const { stderr } = await run(commands, upArgs("--detach"), { TIDEWAY_NATS_URL: nats });
    expect(stderr).toMatch(/✓ bus answers/);
    expect(await askBus()).toEqual({
      TIDEWAY_INTERNAL_URL: `http://127.0.0.1:${port + 2}`,
      TIDEWAY_PROFILE: "demo",
      TIDEWAY_NATS_URL: nats,
    });
  });

  test("a bus that never answers is told as such, and all is stopped", async () => {
    const silent = join(home.folder, "..", "silent-bus.ts");
    fs.writeFileSync(silent, "throw new Error('no log of events');");
    const broken = makeUp({
      deployMissing: () => Promise.resolve(),
      entryPoints: { ...fixtures, bus: silent },
      readyDeadlineMs: 1_500,
    });
    const { code, stderr } = await run([broken], upArgs("--detach"));
    expect(code).toBe(1);
    expect(stderr).toContain("PROCESS_NOT_READY bus");
    expect(stderr).toContain("no log of events");
    expect(nothingRuns()).toBe(true);
  });

  test("twice is refused and disturbs nothing", async () => {
    await run(commands, upArgs("--detach"));
    const before = runningProcesses(readSupervisor(home).status);
    const { code, stderr } = await run(commands, upArgs("--detach"));
    expect(code).toBe(1);
    expect(stderr).toContain("ALREADY_RUNNING");
    expect(runningProcesses(readSupervisor(home).status)).toEqual(before);
  });

  test("after kill -9 of the supervisor adopts what runs", async () => {
    await run(commands, upArgs("--detach"));
    const before = runningProcesses(readSupervisor(home).status);
    await killSupervisor();
    const { code } = await run(commands, upArgs("--detach"));
    expect(code).toBe(0);
    expect(before.length).toBe(4);
    expect(runningProcesses(readSupervisor(home).status)).toEqual(before);
  });

  test("a process that never answers is told with the end of its log, and all is stopped", async () => {
    const silent = join(home.folder, "..", "silent.ts");
    fs.writeFileSync(silent, "throw new Error('no master key');");
    const broken = makeUp({
      deployMissing: () => Promise.resolve(),
      entryPoints: { ...fixtures, control: silent },
      readyDeadlineMs: 1_500,
    });
    const { code, stderr } = await run([broken], upArgs("--detach"));
    expect(code).toBe(1);
    expect(stderr).toContain("PROCESS_NOT_READY");
    expect(stderr).toContain("no master key");
    expect(nothingRuns()).toBe(true);
  });
});

describe("up in the foreground", () => {
  test("stays, brings a killed supervisor back, and drains everything when interrupted", async () => {
    const running = start(commands, upArgs());
    await until(() => running.stderr().includes("ready"), { deadlineMs: 15_000, what: "ready" });
    const before = runningProcesses(readSupervisor(home).status);
    await killSupervisor();
    await until(() => readSupervisor(home).alive, { deadlineMs: 5_000, what: "it is back" });
    await until(() => running.stderr().includes("started again"), {
      deadlineMs: 5_000,
      what: "the restart is told",
    });
    expect(runningProcesses(readSupervisor(home).status)).toEqual(before);
    running.interrupt();
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(before.some((process) => isAlive(process))).toBe(false);
    expect(nothingRuns()).toBe(true);
  });

  test("ends by itself when somebody says down elsewhere", async () => {
    const running = start(commands, upArgs());
    await until(() => running.stderr().includes("ready"), { deadlineMs: 15_000, what: "ready" });
    expect((await run(commands, args("down"))).code).toBe(0);
    expect(await running.ended).toMatchObject({ code: 0 });
  });

  test("interrupted while starting stops what it had started", async () => {
    const running = start(commands, upArgs());
    await until(() => running.stderr().includes("supervisor started"), {
      deadlineMs: 15_000,
      what: "the supervisor started",
    });
    running.interrupt();
    expect((await running.ended).code).toBe(130);
    expect(nothingRuns()).toBe(true);
  });
});

describe("down and status", () => {
  test("down leaves no process; a second start finds the data of the first", async () => {
    await run(commands, upArgs("--detach"));
    const identifier = clusterIdentifier();
    expect((await run(commands, args("down"))).stderr).toContain("drained and stopped");
    expect(nothingRuns()).toBe(true);
    expect((await run(commands, upArgs("--detach"))).code).toBe(0);
    expect(clusterIdentifier()).toEqual(identifier);
  });

  test("down ends what a killed supervisor left, and may be said when nothing runs", async () => {
    await run(commands, upArgs("--detach"));
    await killSupervisor();
    expect((await run(commands, args("down"))).code).toBe(0);
    expect(nothingRuns()).toBe(true);
    const again = await run(commands, args("down"));
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining("Nothing runs") });
  });

  test("status names what is up, what is dead, and says so by its exit code", async () => {
    expect(await run(commands, args("status"))).toMatchObject({ code: 3, stdout: "" });
    await run(commands, upArgs("--detach"));
    const healthy = await run(commands, args("status", "--json"));
    expect(healthy.code).toBe(0);
    const names = JSON.parse(healthy.stdout).processes.map((one: { name: string }) => one.name);
    expect(names).toEqual(["supervisor", "postgres", "control", "gateway", "bus"]);
    await killSupervisor();
    const dead = await run(commands, args("status"));
    expect(dead.code).toBe(3);
    expect(dead.stdout).toMatch(/supervisor +dead/);
    expect(dead.stdout).toMatch(/gateway +up/);
  });
});

interface Answer {
  readonly pid: number;
  readonly fd: number;
  readonly env: Readonly<Record<string, string>>;
}

async function ask(onPort: number): Promise<Answer> {
  return JSON.parse(await (await fetch(`http://127.0.0.1:${onPort}/`)).text());
}

/** The variables that the bus was started with, the home left out. */
function askBus(): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: join(home.run, "bus.sock"), path: "/env" }, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.on("end", () => resolve(JSON.parse(text).env));
    });
    asked.on("error", reject).end();
  });
}

async function killSupervisor(): Promise<void> {
  process.kill(readSupervisor(home).status?.pid ?? 0, "SIGKILL");
  await until(() => !readSupervisor(home).alive, { deadlineMs: 5_000, what: "it is dead" });
}

function nothingRuns(): boolean {
  const files = postgresFiles(home);
  const { alive, status } = readSupervisor(home);
  const left = runningProcesses(status).length + backendsOf(files.clusterName).length;
  return !alive && left === 0 && findPostmaster(files) === null;
}

/** Eight random bytes that initdb chose. */
function clusterIdentifier(): string {
  const file = join(home.postgres, "data/global/pg_control");
  return fs.readFileSync(file).subarray(0, 8).toString("hex");
}
