/**
 * Looks a field up in a schema the way a reader of JSON would: through references, unions and
 * records. A schema that says nothing is `open`: any field may be there, and none is promised.
 */
import type { FieldType, JsonObject } from "@tideway/schema";

/** A schema and where it stands in its document, as a JSON pointer. */
export interface Place {
  readonly schema: unknown;
  readonly pointer: string;
}

export type Lookup =
  | { readonly kind: "found"; readonly places: readonly Place[] }
  | { readonly kind: "open" }
  /** With the pointer at which it should stand. */
  | { readonly kind: "missing"; readonly pointer: string; readonly refused: boolean };

const DEPTH_MAX = 24;
const PLACES_MAX = 200;

/** `accounts[].available` below a schema. */
export function lookUp(root: JsonObject, from: Place, path: string): Lookup {
  let places = alternatives(root, from);
  for (const step of stepsOf(path)) {
    const next: Place[] = [];
    let isOpen = false;
    let canStand = false;
    for (const place of places) {
      const below = stepInto(place, step);
      if (below.kind === "open") isOpen = true;
      else if (below.kind === "found") next.push(...alternatives(root, below.place));
      else canStand ||= !below.refused;
    }
    if (next.length === 0) {
      if (isOpen) return { kind: "open" };
      const [first] = places;
      const pointer = pointerTo(first?.pointer ?? from.pointer, ...missingAt(step));
      return { kind: "missing", pointer, refused: !canStand };
    }
    places = next.slice(0, PLACES_MAX);
  }
  return { kind: "found", places };
}

/** What a value at this place may be; all types where the schema does not say. */
export function typesAt(place: Place): ReadonlySet<FieldType> {
  const schema = fields(place.schema);
  if ("const" in schema) return new Set([typeOfJson(schema["const"])]);
  const values = schema["enum"];
  if (Array.isArray(values)) return new Set(values.map((value: unknown) => typeOfJson(value)));
  const { type } = schema;
  if (type === undefined) return isSilent(schema) ? ALL : new Set(impliedTypes(schema));
  const names: readonly unknown[] = Array.isArray(type) ? type : [type];
  return new Set(names.flatMap((name) => NAMED.get(String(name)) ?? []));
}

/** The schema itself, or each branch of its unions, references followed. */
export function alternatives(root: JsonObject, from: Place, depth = 0): Place[] {
  if (depth > DEPTH_MAX) return [];
  const schema = fields(from.schema);
  const reference = schema["$ref"];
  if (typeof reference === "string") {
    const target = at(root, reference);
    return target === undefined ? [] : alternatives(root, target, depth + 1);
  }
  const found: Place[] = [];
  for (const word of ["anyOf", "oneOf", "allOf"]) {
    const branches = schema[word];
    if (!Array.isArray(branches)) continue;
    branches.forEach((branch: unknown, i) => {
      const place = { schema: branch, pointer: pointerTo(from.pointer, word, String(i)) };
      found.push(...alternatives(root, place, depth + 1));
    });
  }
  const isOwn = found.length === 0 || "properties" in schema;
  return isOwn ? [from, ...found] : found;
}

/** Follows a local reference; undefined when it leads nowhere. */
export function at(root: JsonObject, reference: string): Place | undefined {
  if (!reference.startsWith("#/")) return undefined;
  const names = reference.slice(2).split("/").map(unescape);
  let schema: unknown = root;
  for (const name of names) schema = Reflect.get(Object(schema), name);
  return schema === undefined ? undefined : { schema, pointer: pointerTo("", ...names) };
}

export function pointerTo(base: string, ...names: readonly string[]): string {
  const escaped = names.map((name) => name.replaceAll("~", "~0").replaceAll("/", "~1"));
  return [base, ...escaped].join("/");
}

export function fields(value: unknown): JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? { ...value } : {};
}

/** `a.b[].c` -> a, b, [], c. */
function stepsOf(path: string): string[] {
  return path
    .replaceAll("[]", ".[]")
    .split(".")
    .filter((step) => step !== "");
}

function missingAt(step: string): readonly string[] {
  return step === "[]" ? ["items"] : ["properties", step];
}

type Step =
  | { readonly kind: "found"; readonly place: Place }
  | { readonly kind: "open" }
  | { readonly kind: "none"; readonly refused: boolean };

function stepInto(place: Place, step: string): Step {
  const schema = fields(place.schema);
  if (isSilent(schema)) return { kind: "open" };
  if (step === "[]") {
    const items = schema["items"];
    if (items === undefined) {
      return schema["type"] === "array" ? { kind: "open" } : { kind: "none", refused: true };
    }
    return { kind: "found", place: { schema: items, pointer: pointerTo(place.pointer, "items") } };
  }
  const own = fields(schema["properties"])[step];
  if (own !== undefined) {
    const pointer = pointerTo(place.pointer, "properties", step);
    return { kind: "found", place: { schema: own, pointer } };
  }
  return recordStep(place, schema);
}

/** A record: any name has the one schema. */
function recordStep(place: Place, schema: JsonObject): Step {
  const [pattern, any] = Object.entries(fields(schema["patternProperties"]))[0] ?? [];
  if (pattern !== undefined) {
    const pointer = pointerTo(place.pointer, "patternProperties", pattern);
    return { kind: "found", place: { schema: any, pointer } };
  }
  const others = schema["additionalProperties"];
  if (others !== null && typeof others === "object") {
    const pointer = pointerTo(place.pointer, "additionalProperties");
    return { kind: "found", place: { schema: others, pointer } };
  }
  const isObject = typesAt(place).has("object");
  return { kind: "none", refused: !isObject || others === false };
}

const SPEAKING = ["type", "const", "enum", "properties", "items", "required", "patternProperties"];

function isSilent(schema: JsonObject): boolean {
  return !SPEAKING.some((word) => word in schema);
}

const NAMED: ReadonlyMap<string, readonly FieldType[]> = new Map([
  ["string", ["string"]],
  ["number", ["number"]],
  ["integer", ["number"]],
  ["boolean", ["boolean"]],
  ["null", ["null"]],
  ["array", ["array"]],
  ["object", ["object"]],
]);
const ALL: ReadonlySet<FieldType> = new Set([...NAMED.values()].flat());

function impliedTypes(schema: JsonObject): FieldType[] {
  return "items" in schema ? ["array"] : ["object"];
}

function typeOfJson(value: unknown): FieldType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "string" || type === "number" || type === "boolean" ? type : "object";
}

function unescape(name: string): string {
  return decodeURIComponent(name).replaceAll("~1", "/").replaceAll("~0", "~");
}
