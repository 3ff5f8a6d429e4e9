/** Builds the shape of a conjunction: what all its members demand together. */
import { isObject, objectAt } from "./json.ts";
import { ALL_KINDS, kindOfValue, kindsOfType } from "./kinds.ts";
import { below } from "./resolve.ts";
import type { Located } from "./resolve.ts";
import { ANY_PATTERNS, readKeywords } from "./keywords.ts";
import { readUnions } from "./read-unions.ts";
import { narrowValues } from "./narrow-values.ts";
import { flatten } from "./flatten.ts";
import type { Conjunction, Shape } from "./shape.ts";

/** The shape of a conjunction; `fallback` gives the address where it is empty. */
export function shapeOf(conjunction: Conjunction, fallback: Located): Shape {
  const { members, unresolved, parts, nullable } = flatten(conjunction);
  const at = conjunction[0] ?? fallback;
  const shape = emptyShape(at, unresolved, parts);
  shape.propertyOf = (name) => members.flatMap((member) => propertyIn(member, name));
  for (const member of members) {
    if (member.value === false) shape.kinds = new Set();
    if (!isObject(member.value)) continue;
    readKinds(shape, member, member.value);
    readKeywords(shape, member, member.value);
    readUnions(shape, member);
  }
  readProperties(shape, members);
  readItems(shape, members);
  if (nullable) admitNull(shape);
  settleValues(shape);
  return shape;
}

function emptyShape(
  at: Located,
  unresolved: ReadonlyMap<string, Located>,
  parts: ReadonlyMap<string, Located>,
): Shape {
  return {
    at,
    unresolved,
    kinds: new Set(ALL_KINDS),
    typed: false,
    kindsAt: at,
    values: undefined,
    valuesAt: at,
    limits: new Map(),
    patterns: new Map(),
    formats: new Map(),
    multiples: new Map(),
    unique: undefined,
    required: new Map(),
    properties: new Map(),
    propertyOf: () => [],
    additional: [],
    prefix: [],
    items: [],
    unions: [],
    verbatim: new Map(),
    parts: new Map(parts),
    notes: {
      defaultValue: undefined,
      readOnly: false,
      writeOnly: false,
      deprecated: false,
      discriminator: undefined,
    },
  };
}

function readKinds(shape: Shape, member: Located, schema: Readonly<Record<string, unknown>>) {
  const kinds = kindsOfType(schema["type"]);
  if (kinds !== undefined) {
    const nullable = member.document.dialect === "3.0" && schema["nullable"] === true;
    shape.kinds = new Set(
      [...shape.kinds].filter((kind) => kinds.has(kind) || (nullable && kind === "null")),
    );
    shape.typed = true;
    shape.kindsAt = below(member, "type");
  }
  if ("const" in schema) narrowValues(shape, [schema["const"]], below(member, "const"));
  const values = schema["enum"];
  if (Array.isArray(values)) narrowValues(shape, values, below(member, "enum"));
}

function admitNull(shape: Shape): void {
  shape.kinds = new Set([...shape.kinds, "null"]);
  if (shape.values !== undefined) shape.values = new Map([...shape.values, ["null", null]]);
}

/** Values of a type that is not admitted are no values, and types without a value no types. */
function settleValues(shape: Shape): void {
  if (shape.values === undefined) return;
  const { kinds } = shape;
  shape.values = new Map([...shape.values].filter(([, value]) => kinds.has(kindOfValue(value))));
  shape.kinds = new Set([...shape.values.values()].map(kindOfValue));
  if (!shape.typed) shape.kindsAt = shape.valuesAt;
  shape.typed = true;
}

/**
 * A property must be what each member says of it: by its name, else by the patterns it matches,
 * else by the member's `additionalProperties`. So `allOf` with a closed member closes exactly what
 * it closes.
 */
function readProperties(shape: Shape, members: readonly Located[]): void {
  const names = new Set(
    members.flatMap((member) => Object.keys(objectAt(member.value, "properties"))),
  );
  for (const name of names) {
    shape.properties.set(
      name,
      members.flatMap((member) => propertyIn(member, name)),
    );
  }
  shape.additional = members.flatMap((member) => {
    const rest = additionalIn(member);
    const unevaluated = below(member, "unevaluatedProperties");
    return unevaluated.value === undefined ? rest : [...rest, unevaluated];
  });
}

function propertyIn(member: Located, name: string): Located[] {
  const named = objectAt(member.value, "properties");
  const own = Object.hasOwn(named, name) ? [below(member, "properties", name)] : [];
  const matched = Object.keys(objectAt(member.value, "patternProperties"))
    .filter((pattern) => matches(pattern, name))
    .map((pattern) => below(member, "patternProperties", pattern));
  const found = [...own, ...matched];
  return found.length > 0 ? found : additionalIn(member);
}

/** A pattern that every name matches, as TypeBox writes records, leaves nothing to the others. */
function additionalIn(member: Located): Located[] {
  const patterns = Object.keys(objectAt(member.value, "patternProperties"));
  const every = patterns.filter((pattern) => ANY_PATTERNS.has(pattern));
  if (every.length > 0) return every.map((pattern) => below(member, "patternProperties", pattern));
  const rest = below(member, "additionalProperties");
  return rest.value === undefined || rest.value === true ? [] : [rest];
}

function matches(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern, "u").test(name);
  } catch (error) {
    // Not a pattern of this language: it is then compared by its words alone.
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function readItems(shape: Shape, members: readonly Located[]): void {
  const lists = members.map((member) => itemsIn(member));
  const length = Math.max(0, ...lists.map(({ prefix }) => prefix.length));
  for (let index = 0; index < length; index += 1) {
    shape.prefix.push(
      lists.flatMap(({ prefix, rest }) => {
        const own = prefix[index];
        return own === undefined ? rest : [own];
      }),
    );
  }
  shape.items = lists.flatMap(({ rest }) => rest);
}

/**
 * Both spellings of a tuple: `prefixItems` with `items`, and the older list with `additionalItems`.
 */
function itemsIn(member: Located): { prefix: Located[]; rest: Located[] } {
  const items = below(member, "items");
  const prefixItems = below(member, "prefixItems");
  const older = Array.isArray(items.value);
  const list = older ? items : prefixItems;
  const rest = older ? below(member, "additionalItems") : items;
  const prefix = Array.isArray(list.value) ? list.value.map((_, index) => below(list, index)) : [];
  return { prefix, rest: rest.value === undefined || rest.value === true ? [] : [rest] };
}
