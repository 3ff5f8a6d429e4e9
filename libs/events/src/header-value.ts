/**
 * Attribute values as header values (HTTP protocol binding, 3.1.3.2): percent-encoded are the
 * space, the double quote, the percent sign and whatever is not printable ASCII.
 */
import { eventErrors } from "./errors.ts";

const PLAIN = /[^\x21\x23\x24\x26-\x7e]/gu;

export function encodeHeaderValue(value: string): string {
  return value.replace(PLAIN, (character) =>
    Array.from(Buffer.from(character), (byte) => `%${hex(byte)}`).join(""),
  );
}

/** Throws CLOUD_EVENT_INVALID for half a percent-encoding and for what does not decode to UTF-8. */
export function decodeHeaderValue(header: string, value: string): string {
  const bare = unquoted(value.trim());
  if (!bare.includes("%")) return bare;
  const parts = bare.split(/((?:%[0-9A-Fa-f]{2})+)/);
  return parts
    .map((part, place) => {
      if (place % 2 === 1) return decoded(header, part);
      if (part.includes("%")) throw wrong(header, "holds a percent sign without two hex digits");
      return part;
    })
    .join("");
}

function decoded(header: string, encoded: string): string {
  const bytes = Buffer.from(encoded.replaceAll("%", ""), "hex");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw wrong(header, "does not decode to UTF-8", error);
  }
}

/** Some senders quote values; RFC 9110, 5.6.4. */
function unquoted(value: string): string {
  const inner = /^"((?:[^"\\]|\\.)*)"$/.exec(value)?.[1];
  return inner === undefined ? value : inner.replace(/\\(.)/g, "$1");
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, "0");
}

function wrong(header: string, problem: string, cause?: unknown): Error {
  const given = { problem: `${header} ${problem}` };
  return eventErrors.error("CLOUD_EVENT_INVALID", { given, cause });
}
