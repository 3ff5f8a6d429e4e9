/** Real processes, real signals, real sockets: each test starts a supervisor of its own. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { until } from "@tideway/kernel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isAlive, readStatus } from "./index.ts";
import type { ProcessOptions, ProcessStatus, SupervisorOptions } from "./index.ts";

const MAIN = join(import.meta.dirname, "main.ts");
const FIXTURE = join(import.meta.dirname, "test/answering.ts");

let folder = "";
let started: ChildProcess[] = [];

beforeEach(() => {
  folder = fs.mkdtempSync("/tmp/tideway-supervisor-");
});

afterEach(async () => {
  for (const child of started) child.kill("SIGKILL");
  for (const { running } of readStatus(join(folder, "supervisor.json"))?.processes ?? [])
    if (running && isAlive(running)) process.kill(running.pid, "SIGKILL");
  started = [];
  fs.rmSync(folder, { recursive: true, force: true });
});

describe("restarting", () => {
  test("a killed process is back within 2 s and connections wait instead of being refused", async () => {
    const port = await freePort();
    run([answering("gateway", port)]);
    const first = await answerOf(port);
    process.kill(first.pid, "SIGKILL");
    await until(() => !alive(first.pid), { deadlineMs: 2_000, what: "the process has ended" });
    const startedAtMs = performance.now();
    // Nobody is there to accept just now; the requests lie in the socket's queue.
    const waiting = await Promise.all([1, 2, 3, 4, 5].map(() => answerAtOnce(port)));
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
    for (const answer of waiting) expect(answer.pid).not.toBe(first.pid);
    expect(statusOf("gateway")).toMatchObject({ restarts: 1, lastExit: "ended with SIGKILL" });
  });

  test("one that always fails is tried again later and later, and says how it ended", async () => {
    const broken = {
      ...answering("control", await freePort()),
      args: ["-e", "console.log(Date.now()); process.exit(7)"],
    };
    run([broken]);
    await until(() => (statusOf("control")?.restarts ?? 0) >= 3, {
      deadlineMs: 10_000,
      what: "three restarts",
    });
    expect(statusOf("control")?.lastExit).toBe("ended with code 7");
    const times = startTimes();
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    expect(gaps[0]).toBeGreaterThanOrEqual(200);
    expect(gaps[1]).toBeGreaterThanOrEqual(400);
  });

  test("a command that cannot be run is a failure like any other", async () => {
    run([{ ...answering("control", await freePort()), command: "/nowhere/node" }]);
    const seen = await until(() => statusOf("control")?.lastExit ?? undefined, {
      deadlineMs: 5_000,
      what: "the failure is told",
    });
    expect(seen).toContain("ENOENT");
  });

  test("an address that somebody else holds is told, not silently replaced by another", async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    const address = holder.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    run([answering("gateway", port)]);
    const seen = await until(() => statusOf("gateway")?.lastExit ?? undefined, {
      deadlineMs: 5_000,
      what: "the failure is told",
    });
    expect(seen).toContain("EADDRINUSE");
    holder.close();
    expect((await answerOf(port)).url).toBe("/");
  });
});

describe("a supervisor that was killed", () => {
  test("its successor adopts what runs, and binds again when that ends", async () => {
    const port = await freePort();
    const supervisor = run([answering("gateway", port)]);
    const first = await answerOf(port);
    await kill(supervisor);
    expect((await answerOf(port)).pid).toBe(first.pid);
    run([answering("gateway", port)]);
    await until(() => statusOf("gateway")?.state === "up" && isOurs(), {
      deadlineMs: 5_000,
      what: "the successor has written its state",
    });
    expect(statusOf("gateway")?.running?.pid).toBe(first.pid);
    process.kill(first.pid, "SIGKILL");
    await until(() => !alive(first.pid), { deadlineMs: 2_000, what: "the process has ended" });
    const next = await until(() => answerAtOnce(port).catch(() => false as const), {
      deadlineMs: 2_000,
      what: "the adopted process is replaced",
    });
    expect(next.pid).not.toBe(first.pid);
    // From now on the sockets are held again.
    process.kill(next.pid, "SIGKILL");
    await until(() => !alive(next.pid), { deadlineMs: 2_000, what: "the process has ended" });
    expect((await answerOf(port)).pid).not.toBe(next.pid);
  });

  test("what runs under other options is replaced, and what is no longer wanted is ended", async () => {
    const [port, otherPort] = [await freePort(), await freePort()];
    const supervisor = run([answering("control", otherPort), answering("gateway", port)]);
    const [control, gateway] = [await answerOf(otherPort), await answerOf(port)];
    await kill(supervisor);
    run([{ ...answering("gateway", port), fingerprint: "changed" }]);
    await until(() => !alive(gateway.pid) && !alive(control.pid), {
      deadlineMs: 5_000,
      what: "both old processes have ended",
    });
    const next = await until(() => answerAtOnce(port).catch(() => false as const), {
      deadlineMs: 5_000,
      what: "the new gateway answers",
    });
    expect(next.pid).not.toBe(gateway.pid);
  });

  test("a pid that is somebody else's by now is not adopted", async () => {
    const port = await freePort();
    const options = answering("gateway", port);
    const { name, stopSignal, fingerprint } = options;
    const running = { pid: process.pid, start: "1" };
    const old = { name, stopSignal, fingerprint, running, state: "up" };
    const state = { pid: 1, start: "0", startedAtMs: 0, processes: [old] };
    fs.writeFileSync(join(folder, "supervisor.json"), JSON.stringify(state));
    run([options]);
    expect((await answerOf(port)).pid).not.toBe(process.pid);
  });
});

describe("one supervisor at a time", () => {
  test("a second one beside a live one refuses and disturbs nothing", async () => {
    const port = await freePort();
    run([answering("gateway", port)]);
    const { pid } = await answerOf(port);
    const second = run([answering("gateway", port)]);
    const [code] = await once(second, "exit");
    expect(code).toBe(1);
    expect(fs.readFileSync(join(folder, "supervisor.log"), "utf8")).toContain("runs already");
    expect((await answerOf(port)).pid).toBe(pid);
    expect(await ask('{"do":"status"}')).toMatchObject({ processes: [{ name: "gateway" }] });
  });

  test("of many started at once at most one runs", async () => {
    const port = await freePort();
    const all = [1, 2, 3, 4].map(() => run([answering("gateway", port)]));
    const ended = all.map((child) => once(child, "exit").then(() => child.pid));
    await until(() => all.filter(({ exitCode }) => exitCode === null).length <= 1, {
      deadlineMs: 10_000,
      what: "the others have withdrawn",
    });
    const living = all.filter(({ exitCode }) => exitCode === null);
    for (const child of living) child.kill("SIGTERM");
    await Promise.all(ended);
    expect(fs.readdirSync(join(folder, "supervisors"))).toEqual([]);
  });
});

describe("stopping", () => {
  test.each(["SIGTERM", "stop"])("%s ends all in the reverse order, then itself", async (how) => {
    const [port, otherPort] = [await freePort(), await freePort()];
    const supervisor = run([answering("control", otherPort), answering("gateway", port)]);
    const pids = [(await answerOf(otherPort)).pid, (await answerOf(port)).pid];
    const exited = once(supervisor, "exit");
    if (how === "stop") expect(await ask('{"do":"stop"}')).toEqual({ stopped: true });
    else supervisor.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
    expect(pids.some(alive)).toBe(false);
    expect(endedAt("gateway")).toBeLessThan(endedAt("control"));
    expect(fs.existsSync(join(folder, "supervisor.json"))).toBe(false);
  });

  test("a process that does not heed the signal is ended after its grace", async () => {
    const deaf =
      "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('deaf')";
    const options = { ...answering("control", await freePort()), args: ["-e", deaf] };
    const supervisor = run([{ ...options, stopGraceMs: 300 }]);
    await until(() => logOf("control").includes("deaf"), { deadlineMs: 5_000, what: "it is deaf" });
    const pid = statusOf("control")?.running?.pid ?? 0;
    supervisor.kill("SIGTERM");
    await once(supervisor, "exit");
    expect(alive(pid)).toBe(false);
  });

  test("a caller that hangs up in the middle does no harm", async () => {
    run([answering("gateway", await freePort())]);
    await until(() => isOurs(), { deadlineMs: 5_000, what: "the supervisor runs" });
    const rude = connect(join(folder, "supervisor.sock"));
    await once(rude, "connect");
    rude.write('{"do":"status"}\n'.repeat(2_000), () => rude.destroy());
    await once(rude, "close");
    expect(await ask('{"do":"status"}')).toMatchObject({ processes: [{ name: "gateway" }] });
    expect(started[0]?.exitCode).toBeNull();
  });

  test("its socket answers questions it does not know with what it does", async () => {
    run([answering("gateway", await freePort())]);
    await until(() => isOurs(), { deadlineMs: 5_000, what: "the supervisor runs" });
    expect(await ask("nonsense")).toMatchObject({ error: expect.stringContaining("stop") });
  });
});

function answering(name: string, port: number): ProcessOptions {
  return {
    name,
    command: process.execPath,
    args: [FIXTURE, "3"],
    cwd: folder,
    env: {},
    logFile: join(folder, `${name}.log`),
    listen: [{ host: "127.0.0.1", port }],
    stopSignal: "SIGTERM",
    stopGraceMs: 5_000,
    fingerprint: "same",
  };
}

function run(processes: readonly ProcessOptions[]): ChildProcess {
  const options: SupervisorOptions = { runFolder: folder, processes };
  const file = join(folder, `options-${started.length}.json`);
  fs.writeFileSync(file, JSON.stringify(options));
  const log = fs.openSync(join(folder, "supervisor.log"), "a");
  const child = spawn(process.execPath, [MAIN, file], { stdio: ["ignore", log, log] });
  fs.closeSync(log);
  started.push(child);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** Waits until something listens, then asks. */
async function answerOf(port: number): Promise<Answer> {
  return await until(
    () =>
      answerAtOnce(port).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ECONNREFUSED" || error.code === "ECONNRESET") return false as const;
        throw error;
      }),
    { deadlineMs: 5_000, what: `port ${port} answers` },
  );
}

interface Answer {
  readonly pid: number;
  readonly url: string;
}

/** One try; rejects when the connection is refused. */
async function answerAtOnce(port: number): Promise<Answer> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write("GET / HTTP/1.0\r\n\r\n");
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return JSON.parse(text.slice(text.indexOf("\r\n\r\n")));
}

async function ask(line: string): Promise<unknown> {
  const socket = connect(join(folder, "supervisor.sock"));
  socket.write(`${line}\n`);
  const [chunk] = await once(socket, "data");
  socket.destroy();
  return JSON.parse(String(chunk));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

function statusOf(name: string): ProcessStatus | undefined {
  const status = readStatus(join(folder, "supervisor.json"));
  return status?.processes.find((process) => process.name === name);
}

function isOurs(): boolean {
  const self = readStatus(join(folder, "supervisor.json"));
  return self !== null && started.some(({ pid }) => pid === self.pid) && isAlive(self);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return (
      !fs.existsSync("/proc") || !/^\d+ \(.*\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, "utf8"))
    );
  } catch {
    return false;
  }
}

function logOf(name: string): string {
  const file = join(folder, `${name}.log`);
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
}

function endedAt(name: string): bigint {
  return BigInt(/ended in order at (\d+)/.exec(logOf(name))?.[1] ?? "0");
}

function startTimes(): number[] {
  return logOf("control").split("\n").filter(Boolean).map(Number);
}
