import { describe, expect, test } from "vitest";
import { readTypedAmount } from "./typed-amount.ts";

const english = { scale: 2, decimalMark: "." };
const german = { scale: 2, decimalMark: "," };

describe("a typed amount", () => {
  test.each([
    ["4.8", 480n],
    ["4,80", 480n],
    ["1020", 102_000n],
    [".5", 50n],
    ["7.", 700n],
    ["1 020.00", 102_000n],
    ["007", 700n],
  ])("%s is read", (text, minor) => {
    expect(readTypedAmount(text, english)).toEqual({ ok: true, minor });
  });

  test("keeps every decimal of a fine asset", () => {
    const typed = readTypedAmount("0.000000000000000001", { scale: 18, decimalMark: "." });
    expect(typed).toEqual({ ok: true, minor: 1n });
  });

  test.each([
    ["4.801", english],
    ["0.5", { scale: 0, decimalMark: "." }],
    ["1,0001", german],
  ])("%s has more decimals than the asset", (text, options) => {
    expect(readTypedAmount(text, options)).toEqual({ ok: false, problem: "decimals" });
  });

  test.each([
    ["1,000", english],
    ["1.000", german],
    ["1.000", { scale: 6, decimalMark: "," }],
    ["1,000.00", english],
    ["1.000.000", german],
  ])("%s may be grouping and is not guessed", (text, options) => {
    expect(readTypedAmount(text, options)).toEqual({ ok: false, problem: "ambiguous" });
  });

  test("the locale's own mark with three decimals is no grouping", () => {
    const typed = readTypedAmount("1,000", { scale: 6, decimalMark: "," });
    expect(typed).toEqual({ ok: true, minor: 1_000_000n });
  });

  test.each([
    ["", "empty"],
    ["0.00", "zero"],
    ["-5", "not-a-number"],
    ["1e3", "not-a-number"],
    [".", "not-a-number"],
    ["9".repeat(39), "too-big"],
    ["9".repeat(60), "too-big"],
  ])("%s is refused as %s", (text, problem) => {
    expect(readTypedAmount(text, english)).toEqual({ ok: false, problem });
  });
});
