/**
 * JSON's types, with numbers taken apart into whole ones and fractions, so that `integer` is
 * plainly a part of `number`.
 */
import { isObject } from "./json.ts";

export type Kind = "null" | "boolean" | "integer" | "fraction" | "string" | "array" | "object";

export const ALL_KINDS: readonly Kind[] = [
  "null",
  "boolean",
  "integer",
  "fraction",
  "string",
  "array",
  "object",
];

const KINDS_OF_TYPE: ReadonlyMap<string, readonly Kind[]> = new Map<string, readonly Kind[]>([
  ["null", ["null"]],
  ["boolean", ["boolean"]],
  ["integer", ["integer"]],
  ["number", ["integer", "fraction"]],
  ["string", ["string"]],
  ["array", ["array"]],
  ["object", ["object"]],
]);

/** The kinds that a `type` keyword admits; undefined when it is absent. */
export function kindsOfType(type: unknown): ReadonlySet<Kind> | undefined {
  if (type === undefined) return undefined;
  const names: readonly unknown[] = Array.isArray(type) ? type : [type];
  // OpenAPI 2's `file` and other inventions are bytes: a string is the nearest.
  return new Set(names.flatMap((name) => KINDS_OF_TYPE.get(String(name)) ?? ["string"]));
}

export function kindOfValue(value: unknown): Kind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (isObject(value)) return "object";
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "fraction";
  return "string";
}

/** The kinds as a reader knows them: `string or null`. */
export function nameKinds(kinds: Iterable<Kind>): string {
  const names = new Set<string>(kinds);
  if (names.has("fraction")) {
    names.delete("integer");
    names.delete("fraction");
    names.add("number");
  }
  if (names.size === 0) return "nothing";
  return names.size >= 6 ? "anything" : [...names].sort().join(" or ");
}

export function without(kinds: ReadonlySet<Kind>, others: ReadonlySet<Kind>): Kind[] {
  return [...kinds].filter((kind) => !others.has(kind));
}

export function shared(kinds: ReadonlySet<Kind>, others: ReadonlySet<Kind>): Kind[] {
  return [...kinds].filter((kind) => others.has(kind));
}
