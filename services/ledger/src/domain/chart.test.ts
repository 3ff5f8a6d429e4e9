import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CHART, HOUSE_ENTRIES, chartEntry } from "./chart.ts";

test("the chart has each code once, with its side, limit and holder", () => {
  const lines = CHART.map(
    ({ code, normalSide, limited, holder }) =>
      `${code} ${normalSide} ${limited ? "limited" : "free"} ${holder}`,
  );
  expect(lines).toEqual([
    "110 debit limited house",
    "120 debit limited house",
    "121 debit limited house",
    "122 debit limited house",
    "123 debit limited house",
    "130 debit free house",
    "210 credit limited owner",
    "220 credit limited owner",
    "230 credit limited owner",
    "310 credit free house",
    "410 credit free house",
    "420 credit free house",
    "510 debit free house",
    "520 debit free house",
    "610 credit free house",
    "910 credit limited house",
    "920 debit limited owner",
  ]);
  expect(new Set(CHART.map((entry) => entry.code)).size).toBe(CHART.length);
});

test("customers' accounts alone need consent, and none of them is the house's", () => {
  expect(CHART.filter((entry) => entry.debitNeedsConsent).map((entry) => entry.code)).toEqual([
    210,
  ]);
  expect(HOUSE_ENTRIES.map((entry) => entry.code)).not.toContain(210);
  expect(chartEntry(999)).toBeUndefined();
});

test("the README lists the chart as it is", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const listed = [...readme.matchAll(/^\| (\d{3}) \| (.+?) \| (\w+) \| (yes|no) \|/gm)];
  expect(listed.map(([, code, name, side, limited]) => [code, name, side, limited])).toEqual(
    CHART.map((entry) => [
      String(entry.code),
      entry.name,
      entry.normalSide,
      entry.limited ? "yes" : "no",
    ]),
  );
});
