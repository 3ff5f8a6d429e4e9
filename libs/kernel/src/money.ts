/**
 * Money is a `bigint` of the asset's minor unit. No float, no `number`, and no rounding that is
 * not named. On the wire an amount is a decimal string beside its asset and scale.
 */
import { commonErrors } from "./errors.ts";

/** A decimal places count of an asset: 2 for EUR, 6 for USDC, 18 for ETH. */
export type Scale = number;

export interface Money {
  readonly amountMinor: bigint;
  readonly asset: string;
  readonly scale: Scale;
}

/** Money as sent: `{ "amount": "480", "asset": "EUR", "scale": 2 }` is 4.80 EUR. */
export interface WireMoney {
  readonly amount: string;
  readonly asset: string;
  readonly scale: Scale;
}

/** numeric(39,0) holds every 128-bit amount; above 2^128 - 1 the ledger has no room. */
export const AMOUNT_MAX = (1n << 128n) - 1n;
const MINOR_PATTERN = /^(0|[1-9][0-9]{0,38})$/;

/** Parses a non-negative amount in minor units. Throws `AMOUNT_INVALID`. */
export function parseMinor(text: string): bigint {
  if (!MINOR_PATTERN.test(text)) throw amountInvalid(text);
  const value = BigInt(text);
  if (value > AMOUNT_MAX) throw amountInvalid(text);
  return value;
}

/** As `parseMinor`, but zero is refused too: what a payment asks for. */
export function parsePositiveMinor(text: string): bigint {
  const value = parseMinor(text);
  if (value === 0n) throw amountInvalid(text);
  return value;
}

export function toWire(money: Money): WireMoney {
  return { amount: money.amountMinor.toString(), asset: money.asset, scale: money.scale };
}

export function fromWire(wire: WireMoney): Money {
  return { amountMinor: parseMinor(wire.amount), asset: wire.asset, scale: wire.scale };
}

/**
 * The exact decimal spelling, never rounded.
 *
 * @example minorToDecimal(480n, 2) // "4.80"
 */
export function minorToDecimal(amountMinor: bigint, scale: Scale): string {
  const sign = amountMinor < 0n ? "-" : "";
  const digits = (amountMinor < 0n ? -amountMinor : amountMinor)
    .toString()
    .padStart(scale + 1, "0");
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/**
 * Minor units from what a person typed. More decimals than the asset has are refused, not rounded.
 *
 * @example decimalToMinor("4.8", 2) // 480n
 */
export function decimalToMinor(text: string, scale: Scale): bigint {
  const match = /^(\d{1,39})(?:\.(\d{1,39}))?$/.exec(text.trim());
  const whole = match?.[1];
  if (whole === undefined) throw amountInvalid(text);
  const fraction = match?.[2] ?? "";
  if (fraction.length > scale) throw amountInvalid(text);
  const value = BigInt(whole + fraction.padEnd(scale, "0"));
  if (value > AMOUNT_MAX) throw amountInvalid(text);
  return value;
}

function amountInvalid(given: string): Error {
  return commonErrors.error("AMOUNT_INVALID", { given: { given: given.slice(0, 60) } });
}
