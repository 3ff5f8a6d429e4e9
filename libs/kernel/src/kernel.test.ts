import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AMOUNT_MAX,
  CodedError,
  backoffMs,
  decimalToMinor,
  derivedId,
  formatId,
  idToUuid,
  isCoded,
  isId,
  minorToDecimal,
  newId,
  parseId,
  parseMinor,
  parsePositiveMinor,
  until,
  uuidToId,
} from "./index.ts";

const bits = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
  return "no error";
};

describe("ids", () => {
  test("spelling and reading are a bijection to 128 bits", () => {
    fc.assert(
      fc.property(bits, (value) => {
        const id = formatId("trf", value);
        expect(parseId("trf", id)).toBe(value);
        expect(uuidToId("trf", idToUuid("trf", id))).toBe(id);
      }),
    );
  });

  test("a spelling above 128 bits, another prefix or upper case is refused", () => {
    for (const id of [`inv_8${"0".repeat(25)}`, `pay_${"0".repeat(26)}`, `inv_${"A".repeat(26)}`]) {
      expect(codeOf(() => parseId("inv", id))).toBe("ID_INVALID");
      expect(isId("inv", id)).toBe(false);
    }
  });

  test("new ids are version 7, sort by time and do not repeat", () => {
    const early = newId("inv", 1_000);
    const late = newId("inv", 2_000);
    expect(early < late).toBe(true);
    expect(idToUuid("inv", early)[14]).toBe("7");
    expect(new Set(Array.from({ length: 1_000 }, () => newId("inv"))).size).toBe(1_000);
  });

  test("derived ids follow from their parts and nothing else", async () => {
    expect(await derivedId("trf", "ab", "c")).toBe(await derivedId("trf", "ab", "c"));
    expect(await derivedId("trf", "ab", "c")).not.toBe(await derivedId("trf", "a", "bc"));
    expect(idToUuid("trf", await derivedId("trf", "x"))[14]).toBe("8");
  });
});

describe("money", () => {
  test("decimal spelling and minor units round-trip at every scale", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: AMOUNT_MAX / 10n ** 20n }),
        fc.nat(18),
        (minor, scale) => {
          expect(decimalToMinor(minorToDecimal(minor, scale), scale)).toBe(minor);
        },
      ),
    );
  });

  test("minor units refuse sign, fraction, exponent, leading zero and 40 digits", () => {
    const bad = [
      "-1",
      "1.5",
      "1e3",
      "01",
      "",
      " 1",
      "0x1",
      "9".repeat(40),
      (AMOUNT_MAX + 1n).toString(),
    ];
    for (const text of bad) expect(codeOf(() => parseMinor(text))).toBe("AMOUNT_INVALID");
    expect(parseMinor(AMOUNT_MAX.toString())).toBe(AMOUNT_MAX);
  });

  test("zero is an amount but not a payment", () => {
    expect(parseMinor("0")).toBe(0n);
    expect(codeOf(() => parsePositiveMinor("0"))).toBe("AMOUNT_INVALID");
  });

  test("more decimals than the asset has are refused, not rounded", () => {
    expect(codeOf(() => decimalToMinor("1.005", 2))).toBe("AMOUNT_INVALID");
    expect(minorToDecimal(-5n, 2)).toBe("-0.05");
    expect(minorToDecimal(7n, 0)).toBe("7");
  });
});

describe("errors and waiting", () => {
  test("a coded error carries its code, filled title and cause", () => {
    const cause = new Error("below");
    const error = new CodedError(
      "X_Y",
      { status: 409, retryable: false, title: "No {thing}.", action: "Look for a {thing}." },
      { given: { thing: "cat" }, cause },
    );
    expect(error.message).toBe("No cat.");
    expect(error.action).toBe("Look for a cat.");
    expect(error.cause).toBe(cause);
    expect(isCoded(error, "X_Y")).toBe(true);
    expect(isCoded(error, "OTHER")).toBe(false);
  });

  test("backoff grows, is capped and jittered", () => {
    const options = { baseMs: 100, maxMs: 1_000, random: () => 0.5 };
    expect([1, 2, 3, 10].map((n) => backoffMs(n, options))).toEqual([50, 100, 200, 500]);
  });

  test("until gives up at its deadline and says for what", async () => {
    await expect(
      until(() => false, { deadlineMs: 30, intervalMs: 5, what: "the moon" }),
    ).rejects.toThrow("the moon");
    expect(await until(() => 7, { deadlineMs: 30, what: "seven" })).toBe(7);
  });
});
