import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@tideway/kernel";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LogLine } from "./engine.ts";
import { openInstanceLogs } from "./instance-logs.ts";
import { openTestHome } from "./testing/test-home.ts";

const [ONE, TWO, THREE] = ["1", "2", "3"].map((d) => `ins_${d.padStart(26, "0")}`) as [
  string,
  string,
  string,
]; // a map of three has three
const DEADLINE = { deadlineMs: 5_000 };

let home: string;
const stops: AbortController[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "tideway-logs-"));
});
afterEach(() => {
  for (const stop of stops) stop.abort();
  rmSync(home, { recursive: true, force: true });
});

function write(instance: string, text: string): void {
  const descriptor = openInstanceLogs(home).open("echo-1", instance);
  writeSync(descriptor, text);
  closeSync(descriptor);
}

/** Collects what a follower yields until the test ends. */
function follow(): { lines: LogLine[]; stop: AbortController; ended: Promise<void> } {
  const stop = new AbortController();
  stops.push(stop);
  const lines: LogLine[] = [];
  const ended = (async () => {
    for await (const line of openInstanceLogs(home).follow("echo-1", stop.signal)) lines.push(line);
  })();
  return { lines, stop, ended };
}

test("a follower gets the last 100 lines of each instance, then what is added", async () => {
  write(ONE, Array.from({ length: 250 }, (_, n) => `line ${n}\n`).join(""));
  write(TWO, "only\n");
  const { lines, stop, ended } = follow();
  await until(() => lines.length >= 101, { ...DEADLINE, what: "the first lines" });
  expect(lines[0]).toEqual({ instance: ONE, text: "line 150" });
  expect(lines[99]?.text).toBe("line 249");
  expect(lines[100]).toEqual({ instance: TWO, text: "only" });
  write(TWO, "half a ");
  write(TWO, "line\n");
  await until(() => lines.length >= 102, { ...DEADLINE, what: "the added line" });
  expect(lines.slice(101)).toEqual([{ instance: TWO, text: "half a line" }]);
  stop.abort();
  await ended;
});

test("an instance started later is followed from its first line", async () => {
  write(ONE, "one\n");
  const { lines } = follow();
  await until(() => lines.length === 1, { ...DEADLINE, what: "the first line" });
  write(THREE, Array.from({ length: 150 }, (_, n) => `${n}\n`).join(""));
  await until(() => lines.length === 151, { ...DEADLINE, what: "all its lines" });
  expect(lines[1]).toEqual({ instance: THREE, text: "0" });
});

test("a letter written in two halves arrives whole, a huge line in pieces", async () => {
  write(ONE, "begin\n");
  const { lines } = follow();
  await until(() => lines.length === 1, { ...DEADLINE, what: "the first line" });
  const [head, tail] = [
    Buffer.from("Gr\u{fc}n").subarray(0, 3),
    Buffer.from("Gr\u{fc}n").subarray(3),
  ];
  const path = join(home, "logs", "instances", "echo-1", `${ONE}.log`);
  appendFileSync(path, head);
  write(TWO, "mark\n");
  await until(() => lines.length === 2, { ...DEADLINE, what: "a poll has passed" });
  appendFileSync(path, Buffer.concat([tail, Buffer.from("\n")]));
  await until(() => lines.length === 3, { ...DEADLINE, what: "the line" });
  expect(lines[2]?.text).toBe("Gr\u{fc}n");
  write(ONE, `${"x".repeat(40_000)}\n`);
  const xs = (): string =>
    lines
      .map((line) => line.text)
      .join("")
      .replace(/[^x]/g, "");
  await until(() => xs().length === 40_000, { ...DEADLINE, what: "the pieces" });
  expect(Math.max(...lines.map((line) => line.text.length))).toBe(16_384);
});

test("a log over its size is moved aside while its writer goes on, and followers miss nothing", async () => {
  const logs = openInstanceLogs(home);
  const writer = logs.open("echo-1", ONE);
  try {
    writeSync(writer, "before\n");
    const { lines } = follow();
    await until(() => lines.length === 1, { ...DEADLINE, what: "the first line" });
    writeSync(writer, `${"y".repeat(2_000)}\n`);
    await logs.rotate("echo-1", ONE, 5_000);
    expect(readdirSync(join(home, "logs", "instances", "echo-1"))).toEqual([`${ONE}.log`]);
    await logs.rotate("echo-1", ONE, 1_000);
    writeSync(writer, "after\n");
    const folder = join(home, "logs", "instances", "echo-1");
    expect(readFileSync(join(folder, `${ONE}.log`), "utf8")).toBe("after\n");
    expect(readFileSync(join(folder, `${ONE}.log.1`), "utf8")).toMatch(/^before\ny+\n$/);
    await until(() => lines.some((line) => line.text === "after"), {
      ...DEADLINE,
      what: "the line after the rotation",
    });
    expect(lines.map((line) => line.text)).toEqual(["before", "y".repeat(2_000), "after"]);
  } finally {
    closeSync(writer);
  }
});

test("a rotated log that has grown past where a follower was is read from its start", async () => {
  const logs = openInstanceLogs(home);
  write(ONE, "1\n");
  const { lines } = follow();
  await until(() => lines.length === 1, { ...DEADLINE, what: "the first line" });
  for (let round = 0; round < 3; round++) {
    const before = lines.length;
    write(ONE, `unread ${round}\n`);
    await logs.rotate("echo-1", ONE, 1);
    write(ONE, `${"longer than what was there ".repeat(3)}${round}\n`);
    await until(() => lines.length === before + 2, { ...DEADLINE, what: "both lines" });
  }
  expect(lines.slice(1).map((line) => line.text.slice(-8))).toEqual(
    [0, 1, 2].flatMap((round) => [`unread ${round}`, `s there ${round}`.slice(-8)]),
  );
});

test("a log that somebody empties by hand is read from its start", async () => {
  write(ONE, "a line before\n");
  const { lines } = follow();
  await until(() => lines.length === 1, { ...DEADLINE, what: "the first line" });
  truncateSync(join(home, "logs", "instances", "echo-1", `${ONE}.log`), 0);
  write(ONE, "after\n");
  await until(() => lines.length === 2, { ...DEADLINE, what: "the line after" });
  expect(lines[1]?.text).toBe("after");
});

test("the last lines are found at the end of a large log", async () => {
  write(ONE, `${"z".repeat(1_000)}\n`.repeat(1_000));
  write(ONE, "last but one\nlast, unfinished");
  const lines = await openInstanceLogs(home).lastLines("echo-1", ONE, 2);
  expect(lines).toEqual(["last but one", "last, unfinished"]);
  expect(await openInstanceLogs(home).lastLines("echo-1", TWO, 2)).toEqual([]);
});

test("an engine rotates the logs of what it runs, and answers for unknown revisions", async () => {
  const test = await openTestHome();
  try {
    const engine = test.engine({ logBytesMax: 1_000, logCheckIntervalMs: 20 });
    await engine.ensure(await test.revision(), { min: 1, max: 1 }, 1);
    const [instance] = await engine.ready("echo-1", 1);
    const stop = new AbortController();
    const texts: string[] = [];
    const following = (async () => {
      for await (const line of engine.logs("echo-1", stop.signal)) texts.push(line.text);
    })();
    await fetch(`${instance?.url}/log?text=${"w".repeat(2_000)}`);
    const folder = test.path("logs/instances/echo-1");
    await until(() => readdirSync(folder).includes(`${instance?.instance}.log.1`), {
      ...DEADLINE,
      what: "the log is moved aside",
    });
    await fetch(`${instance?.url}/log?text=still-here`);
    await until(() => texts.includes("still-here"), { ...DEADLINE, what: "the later line" });
    stop.abort();
    await following;
    const unknown = engine.logs("echo-9", AbortSignal.timeout(5_000))[Symbol.asyncIterator]();
    await expect(unknown.next()).rejects.toMatchObject({ code: "ENGINE_REVISION_UNKNOWN" });
  } finally {
    await test.close();
  }
});
