/** An example of a schema where one is simple to make; it is checked against the schema. */
import type { TSchema } from "typebox";
import { Value } from "typebox/value";

const DEPTH_MAX = 8;
/** Tried in turn for a string with a pattern: amounts, assets, codes, links. */
const STRINGS = ["480", "EUR", "payment", "example", "0", "payments-7"];

type Schema = Readonly<Record<string, unknown>>;

/** A valid value, or undefined when none is simple to find. */
export function exampleOf(schema: TSchema): unknown {
  const made = make(fieldsOf(schema), 0);
  return made !== undefined && Value.Check(schema, made) ? made : undefined;
}

function make(schema: Schema, depth: number): unknown {
  if (depth > DEPTH_MAX) return undefined;
  if ("const" in schema) return schema["const"];
  if ("default" in schema) return schema["default"];
  const [chosen] = listOf(schema["enum"]);
  if (chosen !== undefined) return chosen;
  for (const branch of [...listOf(schema["anyOf"]), ...listOf(schema["oneOf"])]) {
    const made = make(fieldsOf(branch), depth + 1);
    if (made !== undefined) return made;
  }
  switch (schema["type"]) {
    case "string":
      return stringOf(schema);
    case "integer":
    case "number":
      return numberOf(schema);
    case "boolean":
      return true;
    case "null":
      return null;
    case "array": {
      const item = make(fieldsOf(schema["items"]), depth + 1);
      return item === undefined ? undefined : [item];
    }
    case "object":
      return objectOf(schema, depth);
    default:
      return undefined;
  }
}

function objectOf(schema: Schema, depth: number): unknown {
  const required = new Set(listOf(schema["required"]));
  const made: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fieldsOf(schema["properties"]))) {
    const value = make(fieldsOf(field), depth + 1);
    if (value !== undefined) made[name] = value;
    else if (required.has(name)) return undefined;
  }
  return made;
}

function stringOf(schema: Schema): string | undefined {
  const { format, pattern, minLength } = schema;
  if (format === "date-time") return "2026-01-31T12:00:00.000Z";
  if (typeof pattern !== "string") {
    return "example".padEnd(typeof minLength === "number" ? minLength : 0, ".");
  }
  const expression = new RegExp(pattern, "u");
  const prefix = /^\^([a-z]+)_\[/.exec(pattern)?.[1];
  const id = prefix === undefined ? [] : [`${prefix}_01jd8x3m9q2v7k4c5n6p8r0t1w`];
  return [...id, ...STRINGS].find((one) => expression.test(one));
}

function numberOf(schema: Schema): number {
  const { minimum, exclusiveMinimum } = schema;
  if (typeof minimum === "number") return minimum;
  return typeof exclusiveMinimum === "number" ? exclusiveMinimum + 1 : 1;
}

function fieldsOf(value: unknown): Schema {
  return value !== null && typeof value === "object" ? { ...value } : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
