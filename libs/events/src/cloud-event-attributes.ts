/** CloudEvents 1.0, the context attributes: which names and values there may be. */
import { eventErrors } from "./errors.ts";

/** Whole numbers have 32 bits. */
export type AttributeValue = string | number | boolean;

const INTEGER_MIN = -2_147_483_648;
const INTEGER_MAX = 2_147_483_647;

/** Control characters, halves of surrogate pairs, and what Unicode says is no character. */
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;
const NAME = /^[a-z0-9]+$/;
/** RFC 3986: the characters of a URI reference, with whole percent-encodings. */
const URI_REFERENCE = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/;
const ABSOLUTE_URI = /^[A-Za-z][A-Za-z0-9+.-]*:/;
/** RFC 3339, whose T and Z may be written small. */
const TIMESTAMP =
  /^(\d{4})-(\d{2})-(\d{2})[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
/** RFC 2046: type/subtype, then parameters. */
const CONTENT_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;\s*[\w!#$&^.+-]+=("[^"]*"|[^\s";]+))*\s*$/;

/** Refuses names that no attribute may have. Throws CLOUD_EVENT_INVALID. */
export function checkName(name: string): void {
  if (!NAME.test(name) || name === "data") {
    throw wrong(JSON.stringify(name), "is no name of lower-case letters and digits");
  }
}

/** The value, if an attribute of this name may have it. Throws CLOUD_EVENT_INVALID. */
export function checkAttribute(name: string, value: unknown): AttributeValue {
  const check = CHECKS.get(name);
  if (check !== undefined) {
    if (typeof value !== "string") throw wrong(name, "is not a string");
    checkString(name, value);
    const problem = check(value);
    if (problem !== null) throw wrong(name, problem);
    return value;
  }
  return checkExtension(name, value);
}

function checkExtension(name: string, value: unknown): AttributeValue {
  if (typeof value === "boolean") return value;
  if (typeof value === "string") {
    checkString(name, value);
    return value;
  }
  if (typeof value !== "number") {
    throw wrong(name, "is neither string, boolean nor whole number");
  }
  if (Number.isInteger(value) && value >= INTEGER_MIN && value <= INTEGER_MAX) return value;
  throw wrong(name, "is not a whole number of 32 bits");
}

function checkString(name: string, value: string): void {
  if (FORBIDDEN.test(value)) throw wrong(name, "holds a control character or half a character");
}

const filled = (value: string): string | null => (value === "" ? "is empty" : null);

/** A map, as every object has a `constructor`, and an extension may be called so. */
const CHECKS: ReadonlyMap<string, (value: string) => string | null> = new Map(
  Object.entries({
    specversion: filled,
    id: filled,
    type: filled,
    subject: filled,
    source: (value: string) => (URI_REFERENCE.test(value) ? null : "is not a URI reference"),
    dataschema: (value: string) =>
      URI_REFERENCE.test(value) && ABSOLUTE_URI.test(value) ? null : "is not an absolute URI",
    time: (value: string) => (isTimestamp(value) ? null : "is not a time of RFC 3339"),
    datacontenttype: (value: string) => (CONTENT_TYPE.test(value) ? null : "is not a media type"),
  }),
);

function isTimestamp(value: string): boolean {
  const [, year, month, day] = TIMESTAMP.exec(value) ?? [];
  if (year === undefined || month === undefined || day === undefined) return false;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}

function wrong(name: string, problem: string): Error {
  return eventErrors.error("CLOUD_EVENT_INVALID", { given: { problem: `${name} ${problem}` } });
}
