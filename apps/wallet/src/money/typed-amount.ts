/**
 * Reads what a person types on a phone's number pad. Both marks are taken as the decimal mark,
 * because a keypad offers the one of its own region; but a mark that could be meant as grouping
 * ("1.000" where the comma is decimal) is asked about instead of guessed, and nothing is rounded.
 */
import { decimalToMinor, isCoded } from "@tideway/kernel";

export type AmountProblem =
  "empty" | "not-a-number" | "ambiguous" | "decimals" | "zero" | "too-big";

export type TypedAmount =
  | { readonly ok: true; readonly minor: bigint }
  | { readonly ok: false; readonly problem: AmountProblem };

export interface TypedAmountOptions {
  readonly scale: number;
  /** The locale's decimal mark. */
  readonly decimalMark: string;
}

/**
 * Minor units of a typed amount, or why it cannot be one.
 *
 * @example readTypedAmount("4,80", { scale: 2, decimalMark: "," }) // { ok: true, minor: 480n }
 */
export function readTypedAmount(text: string, options: TypedAmountOptions): TypedAmount {
  const trimmed = text.replace(/[\s\u00a0\u202f]/g, "");
  if (trimmed === "") return { ok: false, problem: "empty" };
  const match = /^(\d*)(?:([.,])(\d*))?$/.exec(trimmed);
  if (match === null) return { ok: false, problem: problemOf(trimmed) };
  const [, whole = "", mark, fraction = ""] = match;
  if (whole === "" && fraction === "") return { ok: false, problem: "not-a-number" };
  if (
    mark !== undefined &&
    mark !== options.decimalMark &&
    /^\d{3}$/.test(fraction) &&
    whole !== ""
  ) {
    return { ok: false, problem: "ambiguous" };
  }
  if (fraction.length > options.scale) return { ok: false, problem: "decimals" };
  const decimal = fraction === "" ? whole : `${whole === "" ? "0" : whole}.${fraction}`;
  return minorOf(decimal, options.scale);
}

function problemOf(text: string): AmountProblem {
  return /^[\d.,]+$/.test(text) ? "ambiguous" : "not-a-number";
}

function minorOf(decimal: string, scale: number): TypedAmount {
  try {
    const minor = decimalToMinor(decimal, scale);
    return minor === 0n ? { ok: false, problem: "zero" } : { ok: true, minor };
  } catch (error) {
    if (isCoded(error, "AMOUNT_INVALID")) return { ok: false, problem: "too-big" };
    throw error;
  }
}
