/** Reads the keywords of one schema into a shape: limits, patterns, what is kept word for word. */
import { fingerprint } from "./fingerprint.ts";
import { isObject, listAt, numberAt, objectAt, textAt } from "./json.ts";
import type { JsonObject } from "./json.ts";
import { below } from "./resolve.ts";
import type { Located } from "./resolve.ts";
import type { Shape } from "./shape.ts";
import { UPPER_LIMITS } from "../rules/limits.ts";
import type { Limit } from "../rules/limits.ts";

const LIMIT_KEYWORDS: readonly (readonly [string, Limit])[] = [
  ["minLength", "min-length"],
  ["maxLength", "max-length"],
  ["minItems", "min-items"],
  ["maxItems", "max-items"],
  ["minProperties", "min-properties"],
  ["maxProperties", "max-properties"],
];

/**
 * Keywords that are compared by their words, because a proof about them is not worth its length.
 */
const VERBATIM: readonly string[] = [
  "not",
  "if",
  "then",
  "else",
  "contains",
  "minContains",
  "maxContains",
  "dependentRequired",
  "dependentSchemas",
  "dependencies",
  "propertyNames",
  "unevaluatedItems",
  "contentEncoding",
  "contentMediaType",
  "contentSchema",
];

/** Patterns that every string matches are none. */
export const ANY_PATTERNS: ReadonlySet<string> = new Set([
  "",
  ".*",
  "^.*$",
  "^.*",
  ".*$",
  "^",
  "$",
  "^(.*)$",
]);

export function readKeywords(shape: Shape, member: Located, schema: JsonObject): void {
  for (const [keyword, limit] of LIMIT_KEYWORDS) {
    limitTo(shape, limit, numberAt(schema, keyword), below(member, keyword));
  }
  readBounds(shape, member, schema);
  const pattern = textAt(schema, "pattern");
  if (pattern !== undefined && !ANY_PATTERNS.has(pattern)) {
    shape.patterns.set(pattern, below(member, "pattern"));
  }
  const format = textAt(schema, "format");
  if (format !== undefined && format !== "") shape.formats.set(format, below(member, "format"));
  const multiple = numberAt(schema, "multipleOf");
  if (multiple !== undefined) shape.multiples.set(multiple, below(member, "multipleOf"));
  if (schema["uniqueItems"] === true) shape.unique = below(member, "uniqueItems");
  listAt(schema, "required").forEach((name, index) => {
    if (typeof name === "string") shape.required.set(name, below(member, "required", index));
  });
  for (const keyword of VERBATIM) readVerbatim(shape, member, keyword);
  // Patterns that match every name say what any further property is, and are compared as that.
  const named = Object.keys(objectAt(schema, "patternProperties"));
  if (named.some((name) => !ANY_PATTERNS.has(name))) {
    readVerbatim(shape, member, "patternProperties");
  }
  readNotes(shape, member, schema);
}

/** Keeps the sharper of two limits. */
function limitTo(shape: Shape, limit: Limit, value: number | undefined, at: Located): void {
  if (value === undefined) return;
  const upper = UPPER_LIMITS.some((name) => name === limit);
  // A lower limit of nothing is none; JSON has no negative lengths.
  if (!upper && limit !== "minimum" && value <= 0) return;
  const present = shape.limits.get(limit);
  const sharper = present === undefined || (upper ? value < present.value : value > present.value);
  if (sharper) shape.limits.set(limit, { value, at });
}

/**
 * Bounds of numbers. An exclusive bound is kept as the next number beyond it: the next whole one
 * for integers, the next that a double can tell apart otherwise. OpenAPI 3.0 marks a bound as
 * exclusive.
 */
function readBounds(shape: Shape, member: Located, schema: JsonObject): void {
  const whole = schema["type"] === "integer";
  const { exclusiveMinimum: above, exclusiveMaximum: under } = schema;
  const minimum = numberAt(schema, "minimum");
  if (minimum !== undefined) {
    const bound = above === true ? nextUp(minimum, whole) : roundUp(minimum, whole);
    limitTo(shape, "minimum", bound, below(member, "minimum"));
  }
  const maximum = numberAt(schema, "maximum");
  if (maximum !== undefined) {
    const bound = under === true ? nextUp(-maximum, whole) : roundUp(-maximum, whole);
    limitTo(shape, "maximum", -bound, below(member, "maximum"));
  }
  if (typeof above === "number") {
    limitTo(shape, "minimum", nextUp(above, whole), below(member, "exclusiveMinimum"));
  }
  if (typeof under === "number") {
    limitTo(shape, "maximum", -nextUp(-under, whole), below(member, "exclusiveMaximum"));
  }
}

function roundUp(value: number, whole: boolean): number {
  return whole ? Math.ceil(value) : value;
}

function nextUp(value: number, whole: boolean): number {
  if (whole) return Math.floor(value) + 1;
  const step = Math.max(Math.abs(value) * Number.EPSILON, Number.MIN_VALUE);
  return value + step;
}

function readVerbatim(shape: Shape, member: Located, keyword: string): void {
  const at = below(member, keyword);
  if (at.value === undefined) return;
  const words = fingerprint(at);
  const present = shape.verbatim.get(keyword);
  shape.verbatim.set(keyword, {
    value: present === undefined ? words : [present.value, words].sort().join(","),
    at,
  });
}

function readNotes(shape: Shape, member: Located, schema: JsonObject): void {
  const { notes } = shape;
  if ("default" in schema) {
    const at = below(member, "default");
    notes.defaultValue = { value: JSON.stringify(schema["default"]) ?? "null", at };
  }
  if (schema["readOnly"] === true) notes.readOnly = true;
  if (schema["writeOnly"] === true) notes.writeOnly = true;
  if (schema["deprecated"] === true) notes.deprecated = true;
  const discriminator = schema["discriminator"];
  if (isObject(discriminator)) {
    notes.discriminator = { value: discriminator, at: below(member, "discriminator") };
  }
}
