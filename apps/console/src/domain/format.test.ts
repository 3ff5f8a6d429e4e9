import { describe, expect, test } from "vitest";
import {
  NOT_MEASURED,
  ago,
  bytes,
  clockTime,
  counted,
  duration,
  elapsed,
  latency,
  memory,
  moment,
  perSecond,
  ratePercent,
  revisionNumber,
  sharePercent,
  shortId,
  weightPercent,
} from "./format.ts";

/** Texts use a no-break space before the unit; the tests read better without it. */
const plain = (text: string): string => text.replaceAll("\u00a0", " ");

describe("what was not measured", () => {
  test("is said in words and never as zero", () => {
    expect(ratePercent(null)).toBe(NOT_MEASURED);
    expect(sharePercent(null)).toBe(NOT_MEASURED);
    expect(latency(null)).toBe(NOT_MEASURED);
    expect(memory(null)).toBe("not known");
  });

  test("is told apart from a measured zero", () => {
    expect(plain(ratePercent(0))).toBe("0 %");
    expect(plain(sharePercent(0))).toBe("0.0 %");
  });
});

test.each([
  [0.000_01, "<0.01 %"],
  [0.000_2, "0.02 %"],
  [0.031, "3.1 %"],
  [0.099_94, "9.99 %"],
  [0.125, "12.5 %"],
  [1, "100 %"],
])("a bad rate of %f is written %s", (share, text) => {
  expect(plain(ratePercent(share))).toBe(text);
});

test("weights keep no empty decimals, shares always one", () => {
  expect(plain(weightPercent(25))).toBe("25 %");
  expect(plain(weightPercent(0.5))).toBe("0.5 %");
  expect(plain(sharePercent(24.94))).toBe("24.9 %");
});

test.each([
  [0, "0 ms"],
  [0.4, "0.4 ms"],
  [41.4, "41 ms"],
  [1_240, "1.2 s"],
])("%f ms of latency is written %s", (ms, text) => {
  expect(plain(latency(ms))).toBe(text);
});

test("a trickle of requests is not rounded to nothing", () => {
  expect(perSecond(0)).toBe("0");
  expect(perSecond(0.01)).toBe("<0.1");
  expect(perSecond(0.42)).toBe("0.4");
  expect(perSecond(1_204.4)).toBe("1,204");
});

test.each([
  [-500, "0 s"],
  [2_000, "2 s"],
  [89_000, "89 s"],
  [90_000, "2 min"],
  [5_400_000, "2 h"],
  [4 * 86_400_000, "4 days"],
])("%d ms last %s", (ms, text) => {
  expect(plain(duration(ms))).toBe(text);
});

test("ago never speaks of the future when clocks differ", () => {
  expect(plain(ago(10_000, 8_000))).toBe("0 s ago");
});

test("times of today have seconds, older ones a day", () => {
  const at = Date.UTC(2026, 10, 19, 14, 2, 10);
  expect(clockTime(at, "UTC")).toBe("14:02:10");
  expect(moment(at, at + 60_000, "UTC")).toBe("14:02:10");
  expect(moment(at, at + 86_400_000, "UTC")).toBe("19 Nov, 14:02");
});

test("the number of a revision is what follows the last dash", () => {
  expect(revisionNumber("bank-transfers-12")).toBe("12");
  expect(revisionNumber("odd")).toBe("odd");
});

test("what took milliseconds and what took minutes are both told in their own unit", () => {
  const words = [0, 0.4, 41, 1_240, 89_900, 240_000].map(elapsed);
  expect(words.map((text) => text.replaceAll("\u00a0", " "))).toEqual([
    "<1 ms",
    "<1 ms",
    "41 ms",
    "1.2 s",
    "89.9 s",
    "4 min",
  ]);
});

test("sizes and counts keep their units", () => {
  expect([312, 1_229].map((size) => bytes(size).replaceAll("\u00a0", " "))).toEqual([
    "312 B",
    "1.2 KiB",
  ]);
  expect(counted(1, "key", "keys")).toBe("1 key");
  expect(counted(1_204, "key", "keys")).toBe("1,204 keys");
});

test("an id is shortened to its end, which tells it apart", () => {
  expect(shortId("sag_01kb00000000000000000abcde")).toBe("sag_\u20260abcde");
  expect(shortId("odd")).toBe("odd");
});
