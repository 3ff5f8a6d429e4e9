/** Addresses, keys, evidence bars and log lines: small pure parts in one place. */
import { describe, expect, test } from "vitest";
import { readoutOf } from "../charts/readout.ts";
import { buildSeries } from "./chart-series.ts";
import { evidenceFill, evidenceNumber } from "./evidence.ts";
import { NO_KEYS, SEQUENCE_MAX_MS, pressKey } from "./hotkeys.ts";
import { splitIds } from "./ids-in-text.ts";
import { LOG_LINES_MAX, appendLines, logView, matchesFilter } from "./log-view.ts";
import { partWords } from "./service-view.ts";
import {
  readEventGroupSearch,
  readEventsSearch,
  readRolloutSearch,
  readSagaSearch,
  readSagasSearch,
  readServiceSearch,
  readServicesSearch,
} from "./search.ts";

describe("addresses", () => {
  test("keep what they say rightly and drop the rest", () => {
    const asked = { tab: "logs", revision: "payments-8", q: 8 };
    expect(readServiceSearch(asked)).toEqual({ tab: "logs", revision: "payments-8", q: "8" });
    expect(readServiceSearch({ tab: "nonsense", revision: "../x", q: "" })).toEqual({});
    expect(readRolloutSearch({ tab: "latency", view: "table", minutes: 15 })).toEqual({
      tab: "latency",
      view: "table",
      minutes: 15,
    });
    expect(readRolloutSearch({ minutes: 7, view: "chart" })).toEqual({});
    expect(readServicesSearch({ q: { toString: "x" } })).toEqual({});
  });
});

test("addresses of sagas and events ask for nothing that the api would refuse", () => {
  const asked = { service: "payments", state: "waiting", attention: true };
  expect(readSagasSearch(asked)).toEqual(asked);
  expect(readSagasSearch({ service: "../x", state: "lost", attention: false })).toEqual({});
  expect(readSagaSearch({ service: "payments", q: "x" })).toEqual({ service: "payments" });
  expect(readEventsSearch({ type: "ab", key: 7 })).toEqual({ key: "7" });
  expect(readEventsSearch({ key: "k".repeat(300) }).key).toHaveLength(200);
  expect(readEventGroupSearch({ state: "redriving" })).toEqual({});
});

describe("command keys", () => {
  test("a sequence is two keys shortly after each other", () => {
    const first = pressKey(NO_KEYS, "g", 1_000);
    expect(first.command).toBeNull();
    expect(pressKey(first.state, "s", 1_500).command).toBe("services");
    expect(pressKey(first.state, "s", 1_001 + SEQUENCE_MAX_MS).command).toBeNull();
  });

  test("a single key acts at once, an unknown one forgets the sequence", () => {
    expect(pressKey(NO_KEYS, "?", 1_000).command).toBe("help");
    const broken = pressKey(pressKey(NO_KEYS, "g", 1_000).state, "x", 1_100);
    expect(pressKey(broken.state, "s", 1_200).command).toBeNull();
  });
});

describe("evidence", () => {
  test("the bar is logarithmic between 1 and the limit", () => {
    expect(evidenceFill(0.4, 100)).toBe(0);
    expect(evidenceFill(1, 100)).toBe(0);
    expect(evidenceFill(10, 100)).toBeCloseTo(0.5);
    expect(evidenceFill(1e9, 100)).toBe(1);
  });

  test("values have as many digits as mean something", () => {
    expect([0, 0.004, 0.42, 9.96, 12.6, 1_204, 3e9].map(evidenceNumber)).toEqual([
      "0",
      "<0.01",
      "0.42",
      "10",
      "13",
      "1,204",
      ">1,000,000",
    ]);
  });
});

describe("log lines", () => {
  test("a JSON line is taken apart", () => {
    const line = { level: 50, time: 1_763_600_000_000, msg: "failed", code: "INTERNAL", pid: 7 };
    expect(logView(JSON.stringify(line))).toEqual({
      atMs: 1_763_600_000_000,
      level: "error",
      message: "failed",
      fields: "code=INTERNAL",
    });
  });

  test.each(["plain words", "{ not json", "[1]", '{"level":'])("%s stays as it is", (text) => {
    expect(logView(text)).toEqual({ atMs: null, level: null, message: text, fields: "" });
  });

  test("named levels and written times are read too", () => {
    const text = JSON.stringify({ level: "warn", at: "2026-11-20T14:02:10Z", event: "slow" });
    expect(logView(text)).toMatchObject({ level: "warn", message: "slow" });
    expect(logView(text).atMs).toBe(Date.UTC(2026, 10, 20, 14, 2, 10));
  });

  test("the page keeps the newest lines, each with its own number", () => {
    const line = { revision: "payments-7", instance: "ins_1", text: "x" };
    const full = appendLines(
      [],
      Array.from({ length: LOG_LINES_MAX }, () => line),
    );
    const more = appendLines(full, [line, { ...line, text: "last" }]);
    expect(more).toHaveLength(LOG_LINES_MAX);
    expect(more.at(-1)).toMatchObject({ text: "last", sequence: LOG_LINES_MAX + 2 });
    expect(new Set(more.map(({ sequence }) => sequence)).size).toBe(LOG_LINES_MAX);
    expect(appendLines(more, [])).toBe(more);
  });

  test("a filter wants every word, in any case and order", () => {
    const line = { sequence: 1, revision: "payments-7", instance: "ins_1", text: "POST /Invoices" };
    expect(matchesFilter(line, "invoices post")).toBe(true);
    expect(matchesFilter(line, "invoices get")).toBe(false);
  });
});

test("a part's detail and pid read as one phrase, whether or not the detail is a sentence", () => {
  expect(partWords({ detail: "Watches the others.", pid: 7 })).toBe("Watches the others, pid 7");
  expect(partWords({ detail: "Version 18.4.", pid: null })).toBe("Version 18.4");
  expect(partWords({ detail: "", pid: 7 })).toBe("pid 7");
});

test("an id is told apart from the words around it", () => {
  const id = "rol_01m7w7xn7ce3c85zc3gjbq3t84";
  expect(splitIds(`payments ${id}: Too slow.`)).toEqual([
    { text: "payments ", isId: false },
    { text: id, isId: true },
    { text: ": Too slow.", isId: false },
  ]);
  const digest = "1d81fcb862ff3ff292e6af4b534ae6c97dbb6cedef663688f608c28dbe4fc457";
  expect(splitIds(digest)).toEqual([{ text: digest, isId: true }]);
  expect(splitIds("payments-7")).toEqual([{ text: "payments-7", isId: false }]);
});

test("without a crosshair the newest bucket is read out, and silence is said", () => {
  const names = { stable: "payments-7", candidate: "payments-8" };
  const point = { at: 1_025, revision: "payments-7", requests: 50, bad: 1, p50Ms: 1, p99Ms: 2 };
  const series = buildSeries([point], {
    metric: "errors",
    ...names,
    bucketSeconds: 5,
    windowSeconds: 30,
    endSeconds: 1_032,
  });
  const { lanes } = readoutOf(series, "errors", names, null);
  expect(lanes.map(({ value, weight }) => (value + weight).replaceAll("\u00a0", " "))).toEqual([
    "2 % of 50",
    "no requests",
  ]);
});
