/**
 * Goal: the diff misses nothing. A value that shows the difference of two random schemas (good for
 * one, bad for the other) is looked for with TypeBox's validator; wherever there is one, the diff
 * must have told of something that is at least a warning in that direction.
 */
import * as fc from "fast-check";
import Schema from "typebox/schema";
import { expect, test } from "vitest";
import { diffSchemas } from "../diff-schemas.ts";
import { isObject, objectAt } from "../json.ts";
import type { JsonObject } from "../json.ts";
import { pairArbitrary, schemaArbitrary, valuesNear } from "./schema-arbitrary.ts";

const RUNS = Number(process.env["TIDEWAY_TEST_RUNS"] ?? 400);

/** A value that is good for `good` and bad for `bad`. */
function witness(good: JsonObject, bad: JsonObject): { value: unknown } | undefined {
  const isGood = Schema.Compile(good);
  const isBad = Schema.Compile(bad);
  const value = [...valuesNear(good), ...valuesNear(bad)].find(
    (one) => isGood.Check(one) && !isBad.Check(one),
  );
  return value === undefined ? undefined : { value };
}

test("a schema does not differ from itself", () => {
  fc.assert(
    fc.property(schemaArbitrary, (schema) => {
      expect(diffSchemas(schema, structuredClone(schema), "reply")).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});

/** The same schema, with the schemas of its properties and items behind references. */
function behindReferences(schema: JsonObject): JsonObject {
  const definitions: Record<string, unknown> = {};
  const hoist = (part: unknown): unknown => {
    if (!isObject(part)) return part;
    const name = `d${Object.keys(definitions).length}`;
    definitions[name] = {};
    definitions[name] = rewrite(part);
    return { $ref: `#/$defs/${name}` };
  };
  const rewrite = (part: JsonObject): JsonObject => ({
    ...part,
    ...("items" in part && { items: hoist(part["items"]) }),
    ...("properties" in part && {
      properties: Object.fromEntries(
        Object.entries(objectAt(part, "properties")).map(([name, value]) => [name, hoist(value)]),
      ),
    }),
  });
  return { ...rewrite(schema), $defs: definitions };
}

test("nor does it when its parts move behind references", () => {
  fc.assert(
    fc.property(schemaArbitrary, (schema) => {
      const moved = behindReferences(schema);
      expect(diffSchemas(schema, moved, "reply")).toEqual([]);
      expect(diffSchemas(moved, schema, "request")).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});

test("a value that readers could not get before is never let in silently", () => {
  let witnesses = 0;
  fc.assert(
    fc.property(pairArbitrary, ([before, after]) => {
      const shown = witness(after, before);
      if (shown === undefined) return;
      witnesses += 1;
      const grave = diffSchemas(before, after, "reply").filter(({ level }) => level !== "info");
      expect(grave, `${JSON.stringify(shown.value)} is new`).not.toEqual([]);
    }),
    { numRuns: RUNS },
  );
  expect(witnesses, "The test must meet differences to mean anything.").toBeGreaterThan(RUNS / 10);
});

test("a request that was good is never refused silently, unless under a name nobody knew", () => {
  let witnesses = 0;
  fc.assert(
    fc.property(pairArbitrary, ([before, after]) => {
      const shown = witness(before, after);
      if (shown === undefined) return;
      witnesses += 1;
      const findings = diffSchemas(before, after, "request");
      const grave = findings.filter(
        ({ level, rule }) => level !== "info" || rule === "property-added",
      );
      expect(grave, `${JSON.stringify(shown.value)} is refused`).not.toEqual([]);
    }),
    { numRuns: RUNS },
  );
  expect(witnesses, "The test must meet differences to mean anything.").toBeGreaterThan(RUNS / 10);
});

test("what is only said in other words is no difference", () => {
  const same: readonly (readonly [unknown, unknown])[] = [
    [{ enum: ["a", "b"] }, { anyOf: [{ const: "b", type: "string" }, { const: "a" }] }],
    [{ type: ["string", "null"] }, { anyOf: [{ type: "string" }, { type: "null" }] }],
    [
      { type: "integer", exclusiveMinimum: 0 },
      { type: "integer", minimum: 1 },
    ],
    [
      { allOf: [{ type: "object", required: ["a"] }, { minProperties: 2 }] },
      { type: "object", required: ["a"], minProperties: 2 },
    ],
    [{ $ref: "#/$defs/A", $defs: { A: { type: "string" } } }, { type: "string" }],
    [{ type: "string", pattern: ".*" }, { type: "string" }],
    [
      { type: "number", const: 3 },
      { type: "integer", enum: [3] },
    ],
  ];
  for (const [before, after] of same) {
    expect(diffSchemas(before, after, "reply"), JSON.stringify(after)).toEqual([]);
    expect(diffSchemas(after, before, "request"), JSON.stringify(after)).toEqual([]);
  }
});
