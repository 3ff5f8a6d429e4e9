import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readLogs } from "./logs.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "tw-logs-"));
});
afterEach(() => rmSync(home, { recursive: true }));

const fileOf = (instance: string, revision = "shop-1"): string => {
  const folder = join(home, "logs/instances", revision);
  mkdirSync(folder, { recursive: true });
  return join(folder, `${instance}.log`);
};
const at = (second: number, event: string): string =>
  `{"time":"2026-01-01T00:00:${String(second).padStart(2, "0")}.000Z","event":"${event}"}\n`;
const write = (instance: string, text: string): void => appendFileSync(fileOf(instance), text);
const read = (after?: string, lines = 100) =>
  readLogs({ home, service: "shop", lines, ...(after === undefined ? {} : { after }) });
const eventsOf = ({ lines }: { lines: { text: string }[] }): string[] =>
  lines.map(({ text }) => /"event":"([^"]+)"/.exec(text)?.[1] ?? text);

/** What follows the first page, page after page, until nothing new comes. */
async function follow(after: string, lines: number): Promise<{ events: string[]; next: string }> {
  const events: string[] = [];
  for (;;) {
    const page = await read(after, lines);
    if (page.lines.length === 0) return { events, next: page.next };
    events.push(...eventsOf(page));
    after = page.next;
  }
}

test("the last lines of all instances come in the order of their times", async () => {
  write("ins_a", at(1, "a1") + at(3, "a3"));
  write("ins_b", at(2, "b2") + at(4, "b4"));
  expect(eventsOf(await read())).toEqual(["a1", "b2", "a3", "b4"]);
  expect(eventsOf(await read(undefined, 2))).toEqual(["a3", "b4"]);
});

test("a crash's lines without a time stay where they were written", async () => {
  write("ins_a", `${at(5, "starting")}Error: no such luck\n    at main.mjs:1\n`);
  write("ins_b", at(6, "later"));
  expect(eventsOf(await read())).toEqual([
    "starting",
    "Error: no such luck",
    "    at main.mjs:1",
    "later",
  ]);
});

test("more new lines than a page has room for are all handed out, each once", async () => {
  write("ins_a", at(1, "old"));
  const { next } = await read();
  const wanted = Array.from({ length: 25 }, (_, i) => `n${i}`);
  for (const [i, event] of wanted.entries()) write(i % 2 ? "ins_a" : "ins_b", at(2 + i, event));
  const followed = await follow(next, 4);
  expect(followed.events).toEqual(wanted);
  write("ins_b", at(50, "more"));
  expect((await follow(followed.next, 4)).events).toEqual(["more"]);
});

test("a half-written line is handed out when it is whole", async () => {
  const line = at(1, "slow");
  write("ins_a", line.slice(0, 20));
  const first = await read();
  expect(first.lines).toEqual([]);
  write("ins_a", line.slice(20));
  expect((await follow(first.next, 10)).events).toEqual(["slow"]);
});

test("the end of a long log begins with a whole line", async () => {
  for (let i = 0; i < 2_000; i++) write("ins_a", at(i % 60, `line-${i}-${"x".repeat(40)}`));
  const { lines } = await readLogs({ home, service: "shop", lines: 2_000 });
  expect(lines.length).toBeGreaterThan(100);
  expect(lines.every(({ text }) => text.startsWith("{"))).toBe(true);
});

test("a line longer than a read does not stop the log for ever", async () => {
  const { next } = await read();
  write("ins_a", `${"x".repeat(600 * 1_024)}\n${at(1, "after")}`);
  const { events } = await follow(next, 10);
  expect(events.at(-1)).toBe("after");
});

test("nothing is lost or repeated when a log is moved aside, even if it outgrew the cursor", async () => {
  write("ins_a", at(1, "seen"));
  const { next } = await read();
  write("ins_a", at(2, "unread"));
  copyFileSync(fileOf("ins_a"), `${fileOf("ins_a")}.1.new`);
  truncateSync(fileOf("ins_a"), 0);
  // Between the cut and the new name the reader waits.
  const between = await follow(next, 10);
  expect(between.events).toEqual([]);
  renameSync(`${fileOf("ins_a")}.1.new`, `${fileOf("ins_a")}.1`);
  for (let i = 3; i < 10; i++) write("ins_a", at(i, `new${i}`));
  expect((await follow(between.next, 3)).events).toEqual([
    "unread",
    ...[3, 4, 5, 6, 7, 8, 9].map((i) => `new${i}`),
  ]);
});

test("a revision's lines alone, and none of a service whose name begins alike", async () => {
  appendFileSync(fileOf("ins_a", "shop-1"), at(1, "one"));
  appendFileSync(fileOf("ins_b", "shop-2"), at(2, "two"));
  appendFileSync(fileOf("ins_c", "shop-front-1"), at(3, "other"));
  expect(eventsOf(await read())).toEqual(["one", "two"]);
  const only = await readLogs({ home, service: "shop", revision: "shop-2" });
  expect(eventsOf(only)).toEqual(["two"]);
  expect((await readLogs({ home, service: "shop", revision: "shop-front-1" })).lines).toEqual([]);
});

test("a cursor that is none of ours begins anew", async () => {
  write("ins_a", at(1, "one"));
  for (const after of ["", "{", "null", "7", '{"ins_a":7}', '{"ins_a":[-1,"x"]}']) {
    expect(eventsOf(await read(after))).toEqual(["one"]);
  }
});
