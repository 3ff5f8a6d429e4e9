/**
 * Amounts are spelled exactly: the digits come from the `bigint`, and `Intl` only lends its
 * grouping and separators. Nothing is rounded, and no float is involved.
 */
import { minorToDecimal } from "@tideway/kernel";

/** Decimals that are always shown where the asset has them: 210.00, not 210. */
const DECIMALS_SHOWN_MIN = 2;

export interface MoneyParts {
  readonly amount: string;
  readonly asset: string;
  readonly scale: number;
}

/**
 * The amount without its asset: all decimals that matter, at least two where the asset has them.
 * `amount` is a decimal string of minor units, with a leading minus where it is negative.
 *
 * @example formatAmount({ amount: "102000", scale: 2 }, "en-GB") // "1,020.00"
 */
export function formatAmount(money: Omit<MoneyParts, "asset">, locale: string): string {
  const minor = BigInt(money.amount);
  const exact = minorToDecimal(minor < 0n ? -minor : minor, money.scale);
  const [whole = "0", fraction = ""] = exact.split(".");
  const { decimal, grouped } = spellWhole(BigInt(whole), locale);
  const decimals = withoutTrailingZeros(fraction);
  const sign = minor < 0n ? "\u2212" : "";
  return sign + (decimals === "" ? grouped : grouped + decimal + decimals);
}

/**
 * The amount and its asset, kept on one line.
 *
 * @example formatMoney({ amount: "480", asset: "EUR", scale: 2 }, "en-GB") // "4.80 EUR"
 */
export function formatMoney(money: MoneyParts, locale: string): string {
  return `${formatAmount(money, locale)}\u00a0${money.asset}`;
}

/** The locale's decimal separator, for what people type. */
export function decimalSeparatorOf(locale: string): string {
  return spellWhole(0n, locale).decimal;
}

function spellWhole(whole: bigint, locale: string): { grouped: string; decimal: string } {
  const format = formatFor(locale);
  const parts = format.formatToParts(1.5);
  return {
    grouped: format.format(whole),
    decimal: parts.find((part) => part.type === "decimal")?.value ?? ".",
  };
}

const formats = new Map<string, Intl.NumberFormat>();

function formatFor(locale: string): Intl.NumberFormat {
  let format = formats.get(locale);
  if (format === undefined) {
    // Latin digits, because the decimals are spelled by us and must match.
    format = new Intl.NumberFormat(locale, { numberingSystem: "latn", useGrouping: true });
    formats.set(locale, format);
  }
  return format;
}

function withoutTrailingZeros(fraction: string): string {
  const kept = Math.min(DECIMALS_SHOWN_MIN, fraction.length);
  return fraction.slice(0, kept) + fraction.slice(kept).replace(/0+$/, "");
}
