/**
 * Ids are a prefix and a UUIDv7 (RFC 9562), written as 26 digits of Crockford's base 32:
 *
 *   inv_01jd3x7k9w4q5t8v2y6z0a1b3c
 *
 * The writing is a bijection to 128 bits: each 128-bit number has one spelling and each valid
 * spelling one number, so an id may serve as the ledger's 128-bit transfer id. The first digit is
 * at most 7, as 26 digits hold 130 bits.
 */
import { defineErrors } from "./errors.ts";

const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
const ID_PATTERN = /^([a-z]{2,8})_([0-7][0-9a-hjkmnp-tv-z]{25})$/;
const MAX_128 = (1n << 128n) - 1n;

export const idErrors = defineErrors({
  ID_INVALID: {
    status: 400,
    retryable: false,
    title: "{given} is not an id of the form {prefix}_...",
    action: "Copy the whole id.",
  },
});

/**
 * A new id, sortable by time.
 *
 * @example newId("inv") // "inv_01jd3x7k9w4q5t8v2y6z0a1b3c"
 */
export function newId(prefix: string, nowMs: number = Date.now()): string {
  const random = crypto.getRandomValues(new Uint8Array(10));
  let value = BigInt(nowMs) & 0xffff_ffff_ffffn;
  for (const byte of random) value = (value << 8n) | BigInt(byte);
  return formatId(prefix, withVersion(value, 7n));
}

/** The id that spells these 128 bits. */
export function formatId(prefix: string, value: bigint): string {
  if (value < 0n || value > MAX_128) throw new RangeError(`${value} does not fit 128 bits.`);
  // JavaScript's own base 32 has other digits; one division by the engine is 20 times cheaper than ours.
  const text = value.toString(32).padStart(26, "0");
  let spelt = "";
  for (let i = 0; i < 26; i++) spelt += DIGITS.charAt(Number.parseInt(text.charAt(i), 32));
  return `${prefix}_${spelt}`;
}

/** The 128 bits an id spells. Throws `ID_INVALID` for another prefix or spelling. */
export function parseId(prefix: string, id: string): bigint {
  const match = ID_PATTERN.exec(id);
  if (match?.[1] !== prefix || match[2] === undefined) {
    throw idErrors.error("ID_INVALID", { given: { given: id.slice(0, 60), prefix } });
  }
  // 6, 10 and 10 digits: each a whole number that a double holds exactly.
  const part = (from: number, to: number): bigint => {
    let value = 0;
    for (let i = from; i < to; i++) value = value * 32 + DIGITS.indexOf(digits.charAt(i));
    return BigInt(value);
  };
  const digits = match[2];
  return (part(0, 6) << 100n) | (part(6, 16) << 50n) | part(16, 26);
}

export function isId(prefix: string, id: string): boolean {
  return ID_PATTERN.exec(id)?.[1] === prefix;
}

/** The UUID spelling, for a `uuid` column. */
export function idToUuid(prefix: string, id: string): string {
  return bitsToUuid(parseId(prefix, id));
}

export function uuidToId(prefix: string, uuid: string): string {
  return formatId(prefix, uuidToBits(uuid));
}

export function bitsToUuid(value: bigint): string {
  const hex = value.toString(16).padStart(32, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function uuidToBits(uuid: string): bigint {
  return BigInt(`0x${uuid.replaceAll("-", "")}`);
}

/**
 * An id that follows from its parts: the same parts give the same id on every revision and after
 * every restart. SHA-256 of the length-prefixed parts, first 128 bits, marked as UUIDv8.
 */
export async function derivedId(prefix: string, ...parts: string[]): Promise<string> {
  const text = parts.map((part) => `${part.length}:${part}`).join("");
  return formatId(prefix, withVersion(BigInt(`0x${await sha256(text)}`) >> 128n, 8n));
}

/** In hex. Node's own hash answers at once; in a browser there is only the asynchronous one. */
async function sha256(text: string): Promise<string> {
  if (nodeCrypto !== undefined) return nodeCrypto.hash("sha256", text, "hex");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

interface NodeCrypto {
  hash(algorithm: string, text: string, encoding: "hex"): string;
}

/** Not imported, as this package is for browsers too. */
const nodeCrypto = (
  Reflect.get(globalThis, "process") as
    { getBuiltinModule?(name: string): NodeCrypto | undefined } | undefined
)?.getBuiltinModule?.("node:crypto");

/** Sets the version nibble (bits 76 to 79) and the variant (the two bits below 64). */
function withVersion(value: bigint, version: bigint): bigint {
  const cleared = value & ~(0xfn << 76n) & ~(0x3n << 62n);
  return cleared | (version << 76n) | (0x2n << 62n);
}
