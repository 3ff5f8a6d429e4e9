import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { parsePs, readProcessStats } from "./instance-stats.ts";
import {
  isAlive,
  parseIdentity,
  seemsAlive,
  signalProcess,
  startTimeOf,
} from "./process-identity.ts";

test("a process is known by its pid and start time, and no longer when it has ended", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  const pid = child.pid ?? 0;
  const identity = { pid, startTime: startTimeOf(pid) ?? "none" };
  expect(isAlive(identity)).toBe(true);
  expect(seemsAlive(identity)).toBe(true);
  expect(isAlive({ pid, startTime: "1" })).toBe(false);
  expect((await readProcessStats(pid))?.memoryBytes).toBeGreaterThan(0);
  const ended = once(child, "exit");
  expect(signalProcess(pid, "SIGKILL")).toBe(true);
  await ended;
  expect(startTimeOf(pid)).toBeNull();
  expect(isAlive(identity)).toBe(false);
  expect(signalProcess(pid, "SIGTERM")).toBe(false);
  expect(await readProcessStats(pid)).toBeNull();
});

test("a half-written or empty identity is none", () => {
  for (const text of ["", "\n", "12", "12\n", "x\n5 (sh) R 1", "1\n1 (init) S 0"]) {
    expect(parseIdentity(text)).toBeNull();
  }
});

test.runIf(process.platform === "linux")("a program's name cannot forge its start time", () => {
  const fields = Array.from({ length: 30 }, (_, n) => String(n + 4)).join(" ");
  expect(parseIdentity(`77\n77 (a) Z 9 9) R ${fields}\n`)).toEqual({ pid: 77, startTime: "22" });
  expect(parseIdentity(`77\n77 (a) Z ${fields}\n`)).toBeNull();
});

test("what ps says is read on each system", () => {
  expect(parsePs("  2048 0:01.23\n")).toEqual({ memoryBytes: 2_097_152, cpuMs: 1_230 });
  expect(parsePs("1 00:01:05")).toEqual({ memoryBytes: 1_024, cpuMs: 65_000 });
  expect(parsePs("1 2-03:04:05")).toEqual({ memoryBytes: 1_024, cpuMs: 183_845_000 });
  expect(parsePs("")).toBeNull();
});
