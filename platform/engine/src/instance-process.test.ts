/** The gap between starting a process and writing its pid down; instance-record.ts has the idea. */
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@tideway/kernel";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startProcess } from "./instance-process.ts";
import { openRecordStore } from "./instance-record.ts";
import { openListeningSocket } from "./listening-socket.ts";
import { isAlive, signalProcess, startTimeOf } from "./process-identity.ts";
import { openTestHome } from "./testing/test-home.ts";

const INSTANCE = "ins_00000000000000000000000001";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tideway-process-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function start(home: string, node = process.execPath) {
  const store = openRecordStore(join(home, "run", "instances"));
  writeFileSync(join(folder, "main.mjs"), `console.log("ran"); setInterval(() => {}, 1000);`);
  const log = openSync(join(folder, "log"), "a");
  const socket = openListeningSocket();
  const starting = startProcess({
    node,
    folder,
    memoryLimitMb: 64,
    environment: {},
    socket: socket.descriptor,
    log,
    identityPath: store.identityPath(INSTANCE),
    recordPath: store.recordPath(INSTANCE),
  });
  socket.close();
  closeSync(log);
  return { child: await starting, store };
}

test("a process whose record is gone ends before it runs anything", async () => {
  const { child, store } = await start(folder);
  const [code] = (await once(child, "exit")) as [number]; // node's documented arguments
  expect(code).toBe(1);
  expect(readFileSync(join(folder, "log"), "utf8")).toBe("");
  expect(store.listStrays()).toEqual([]);
});

test("a process writes who it is before its engine could, and may be found by that alone", async () => {
  mkdirSync(join(folder, "run", "instances"), { recursive: true });
  writeFileSync(join(folder, "run", "instances", `${INSTANCE}.json`), "{}");
  const { child, store } = await start(folder);
  const pid = child.pid ?? 0;
  try {
    const identity = await until(() => store.readIdentity(INSTANCE) ?? false, {
      deadlineMs: 5_000,
      what: "the pid is written",
    });
    expect(identity).toEqual({ pid, startTime: startTimeOf(pid) });
  } finally {
    signalProcess(-pid, "SIGKILL");
    await once(child, "exit");
  }
});

test("an engine ends a process that has no record", async () => {
  const home = await openTestHome();
  try {
    mkdirSync(home.path("run/instances"), { recursive: true });
    const record = home.path(`run/instances/${INSTANCE}.json`);
    writeFileSync(record, "{}");
    const { child, store } = await start(home.home);
    const ended = once(child, "exit");
    const identity = await until(() => store.readIdentity(INSTANCE) ?? false, {
      deadlineMs: 5_000,
      what: "the pid is written",
    });
    await until(() => readFileSync(join(folder, "log"), "utf8").includes("ran"), {
      deadlineMs: 5_000,
      what: "it runs",
    });
    rmSync(record);
    const engine = home.engine();
    await engine.settle(0);
    await ended;
    expect(isAlive(identity)).toBe(false);
    expect(store.listStrays()).toEqual([]);
  } finally {
    await home.close();
  }
});

test("a missing node binary is an exit with the shell's words in the log", async () => {
  mkdirSync(join(folder, "run", "instances"), { recursive: true });
  writeFileSync(join(folder, "run", "instances", `${INSTANCE}.json`), "{}");
  const { child } = await start(folder, join(folder, "no-node"));
  const [code] = (await once(child, "exit")) as [number]; // node's documented arguments
  expect(code).toBe(127);
  expect(readFileSync(join(folder, "log"), "utf8")).toContain("no-node");
});
