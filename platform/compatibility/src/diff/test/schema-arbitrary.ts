/**
 * Random schemas, random edits of them, and values that are near what they describe: for the
 * property tests of the diff. Small alphabets, so that two random schemas often concern the same
 * values.
 */
import * as fc from "fast-check";
import { canonicalJson } from "@tideway/schema";
import { isObject, listAt, objectAt } from "../json.ts";
import type { JsonObject } from "../json.ts";

const NAMES = ["a", "b", "c"] as const;
const SCALARS: readonly unknown[] = [
  null,
  true,
  false,
  -1,
  0,
  1,
  2,
  3,
  6,
  1.5,
  "",
  "a",
  "b",
  "ab",
  "abc",
];

const small = fc.integer({ min: 0, max: 3 });
const scalar = fc.constantFrom(...SCALARS);

function optional<T>(arbitrary: fc.Arbitrary<T>, key: string): fc.Arbitrary<JsonObject> {
  return fc
    .option(arbitrary, { nil: undefined, freq: 2 })
    .map((value) => (value === undefined ? {} : { [key]: value }));
}

function keywords(...parts: readonly fc.Arbitrary<JsonObject>[]): fc.Arbitrary<JsonObject> {
  return fc.tuple(...parts).map((all) => Object.assign({}, ...all));
}

const leaf: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.constant({}),
  fc.record({ const: scalar }),
  fc.record({ enum: fc.uniqueArray(scalar, { minLength: 1, maxLength: 4 }) }),
  fc.record({ type: fc.constantFrom("null", "boolean", "integer", "number", "string", "object") }),
  fc.record({
    type: fc.uniqueArray(fc.constantFrom("null", "boolean", "integer", "number", "string"), {
      minLength: 1,
      maxLength: 3,
    }),
  }),
  keywords(
    fc.constant({ type: "string" }),
    optional(small, "minLength"),
    optional(small, "maxLength"),
    optional(fc.constantFrom("^a", "b$", "^[ab]*$", ".*"), "pattern"),
  ),
  keywords(
    fc.record({ type: fc.constantFrom("integer", "number") }),
    optional(small, "minimum"),
    optional(small, "exclusiveMaximum"),
    optional(fc.constantFrom(2, 3), "multipleOf"),
  ),
);

/** Any schema, at most three levels deep. */
export const schemaArbitrary: fc.Arbitrary<JsonObject> = fc.letrec<{ schema: JsonObject }>(
  (tie) => ({
    schema: fc.oneof(
      { maxDepth: 3, depthIdentifier: "schema" },
      { arbitrary: leaf, weight: 4 },
      { arbitrary: objectOf(tie("schema")), weight: 4 },
      { arbitrary: arrayOf(tie("schema")), weight: 2 },
      { arbitrary: unionOf(tie("schema")), weight: 3 },
    ),
  }),
).schema;

function objectOf(schema: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> {
  const properties = fc.dictionary(fc.constantFrom(...NAMES), schema, { maxKeys: 3 });
  return keywords(
    fc.oneof({ arbitrary: fc.constant({ type: "object" }), weight: 5 }, fc.constant({})),
    fc.record({ properties: properties.map((all) => ({ ...all })) }),
    optional(fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 }), "required"),
    optional(fc.oneof(fc.constant(false), schema), "additionalProperties"),
    optional(small, "maxProperties"),
    optional(fc.constant({ "^a": { type: "string" } }), "patternProperties"),
  );
}

function arrayOf(schema: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> {
  return keywords(
    fc.constant({ type: "array" }),
    optional(fc.array(schema, { minLength: 1, maxLength: 2 }), "prefixItems"),
    optional(schema, "items"),
    optional(small, "minItems"),
    optional(small, "maxItems"),
    optional(fc.boolean(), "uniqueItems"),
    optional(fc.constant({ const: 1 }), "contains"),
  );
}

function unionOf(schema: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> {
  const list = fc.array(schema, { minLength: 1, maxLength: 3 });
  return fc.oneof(
    fc.record({ anyOf: list }),
    fc.record({ oneOf: list }),
    fc.record({ allOf: list }),
    fc.record({ not: schema }),
    keywords(fc.record({ anyOf: list }), fc.record({ oneOf: list })),
    keywords(objectOf(schema), fc.record({ oneOf: list })),
  );
}

/** Two schemas: one and an edit of it, or two that have nothing to do with each other. */
export const pairArbitrary: fc.Arbitrary<readonly [JsonObject, JsonObject]> = fc.oneof(
  {
    arbitrary: fc
      .tuple(schemaArbitrary, schemaArbitrary, fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }))
      .map(([schema, other, way]) => [schema, asSchema(edit(schema, way, other))] as const),
    weight: 4,
  },
  { arbitrary: fc.tuple(schemaArbitrary, schemaArbitrary), weight: 1 },
);

function asSchema(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** Follows `way` into a schema and there replaces a part by `other`, or takes a keyword away. */
function edit(value: unknown, [step, ...rest]: readonly number[], other: JsonObject): unknown {
  if (step === undefined || !isObject(value)) return other;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(keys.length, 1)];
  if (key === undefined || step > 17) return other;
  if (rest.length === 0)
    return Object.fromEntries(keys.filter((k) => k !== key).map((k) => [k, value[k]]));
  const child = value[key];
  if (Array.isArray(child) && isObject(child[0])) {
    const at = (rest[0] ?? 0) % child.length;
    const changed = child.map((item, i) => (i === at ? edit(item, rest.slice(1), other) : item));
    return { ...value, [key]: changed };
  }
  if (key === "properties" && isObject(child)) {
    const name = Object.keys(child)[(rest[0] ?? 0) % Math.max(Object.keys(child).length, 1)] ?? "a";
    return { ...value, properties: { ...child, [name]: edit(child[name], rest.slice(1), other) } };
  }
  return isObject(child) ? { ...value, [key]: edit(child, rest, other) } : value;
}

/** Values of one schema looked at; the number of combinations is cut off here. */
const VALUES_MAX = 60;

/** Values that a schema may well admit, and others near them. */
export function valuesNear(schema: unknown, depth = 0): readonly unknown[] {
  if (!isObject(schema) || depth > 3) return SCALARS;
  const found: unknown[] = depth === 0 ? [...SCALARS, [], {}] : [1, "a", "ab", null, 1.5];
  if ("const" in schema) found.push(schema["const"]);
  found.push(...listAt(schema, "enum"));
  for (const key of ["anyOf", "oneOf", "allOf"]) {
    for (const branch of listAt(schema, key)) found.push(...valuesNear(branch, depth + 1));
  }
  if (isObject(schema["not"])) found.push(...valuesNear(schema["not"], depth + 1));
  found.push(...objectsNear(schema, depth), ...arraysNear(schema, depth));
  const distinct = new Map(found.map((value) => [canonicalJson(value), value]));
  return [...distinct.values()].slice(0, VALUES_MAX * 3);
}

function objectsNear(schema: JsonObject, depth: number): unknown[] {
  const named = objectAt(schema, "properties");
  const rest = isObject(schema["additionalProperties"]) ? schema["additionalProperties"] : {};
  let found: JsonObject[] = [{}];
  for (const name of NAMES) {
    const values = valuesNear(named[name] ?? rest, depth + 2).slice(0, 6);
    const grown = found.flatMap((object) => values.map((value) => ({ ...object, [name]: value })));
    found = [...found, ...grown].slice(0, VALUES_MAX);
  }
  // From the back too, or the last property is hardly ever there.
  return [...found, ...NAMES.map((name) => ({ [name]: 1 })), ...NAMES.map((n) => ({ [n]: "a" }))];
}

function arraysNear(schema: JsonObject, depth: number): unknown[] {
  if (schema["type"] !== "array") return [];
  const [first = schema["items"], second = schema["items"]] = listAt(schema, "prefixItems");
  const firsts = valuesNear(first, depth + 2).slice(0, 6);
  const seconds = valuesNear(second, depth + 2).slice(0, 6);
  const pairs = firsts.flatMap((one) => seconds.map((other) => [one, other]));
  return [[], ...firsts.map((one) => [one]), ...pairs, ...pairs.map((pair) => [...pair, 1])];
}
