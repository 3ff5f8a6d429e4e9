import { assert, bigInt, integer, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { decimalToMinor } from "@tideway/kernel";
import { formatAmount, formatMoney } from "./money-format.ts";

describe("money is spelled exactly", () => {
  test("with the locale's grouping and decimal separator", () => {
    expect(formatAmount({ amount: "102000", scale: 2 }, "en-GB")).toBe("1,020.00");
    expect(formatAmount({ amount: "102000", scale: 2 }, "de-DE")).toBe("1.020,00");
  });

  test("with at least two decimals, and all that matter", () => {
    expect(formatAmount({ amount: "210000000", scale: 6 }, "en-GB")).toBe("210.00");
    expect(formatAmount({ amount: "18100000000000000", scale: 18 }, "en-GB")).toBe("0.0181");
    expect(formatAmount({ amount: "1", scale: 18 }, "en-GB")).toBe("0.000000000000000001");
    expect(formatAmount({ amount: "1500", scale: 0 }, "en-GB")).toBe("1,500");
    expect(formatAmount({ amount: "0", scale: 2 }, "en-GB")).toBe("0.00");
  });

  test("beyond what a float can hold", () => {
    const money = { amount: "90071992547409930000000000000000001", scale: 18 };
    expect(formatAmount(money, "en-GB")).toBe("90,071,992,547,409,930.000000000000000001");
  });

  test("with a real minus, and the asset kept on the line", () => {
    expect(formatAmount({ amount: "-480", scale: 2 }, "en-GB")).toBe("\u22124.80");
    expect(formatMoney({ amount: "480", scale: 2, asset: "EUR" }, "en-GB")).toBe("4.80\u00a0EUR");
  });

  test("whatever it is, reading it back gives the same minor units", () => {
    const amounts = bigInt({ min: 0n, max: 10n ** 38n });
    assert(
      property(amounts, integer({ min: 0, max: 18 }), (minor, scale) => {
        const spelled = formatAmount({ amount: minor.toString(), scale }, "en-GB");
        expect(decimalToMinor(spelled.replaceAll(",", ""), scale)).toBe(minor);
      }),
      { numRuns: 300 },
    );
  });
});
