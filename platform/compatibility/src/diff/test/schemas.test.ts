/** One line a rule: what changed, how grave it is for who is asked and for who reads. */
import { expect, test } from "vitest";
import { diffSchemas } from "../diff-schemas.ts";
import type { Direction, Level } from "../finding.ts";

const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });
const text = { type: "string" };
const whole = { type: "integer" };
const closed = { additionalProperties: false };

/** before, after, `rule property`, level in a request, level in a reply. */
type Line = readonly [unknown, unknown, string, Level, Level];

const LINES: readonly Line[] = [
  [text, whole, "type-changed", "breaking", "breaking"],
  [{ type: "number" }, whole, "type-narrowed", "breaking", "info"],
  [text, { type: ["string", "null"] }, "null-added", "info", "breaking"],
  [text, { anyOf: [text, { type: "null" }] }, "null-added", "info", "breaking"],
  [{ enum: ["a"] }, { enum: ["a", "b"] }, "enum-value-added", "info", "breaking"],
  [text, { type: "string", enum: ["a"] }, "enum-added", "breaking", "info"],
  [{ const: "a" }, { const: "a", type: "integer" }, "enum-value-removed", "breaking", "info"],
  [{ type: "string", maxLength: 5 }, text, "max-length-removed", "info", "breaking"],
  [
    { type: "integer", minimum: 1 },
    { type: "integer", minimum: 2 },
    "minimum-raised",
    "breaking",
    "info",
  ],
  [
    { type: "integer", multipleOf: 2 },
    { type: "integer", multipleOf: 6 },
    "multiple-of-tightened",
    "breaking",
    "info",
  ],
  [
    { type: "string", pattern: "^a" },
    { type: "string", pattern: "^b" },
    "pattern-changed",
    "breaking",
    "breaking",
  ],
  [
    { type: "integer", format: "int32" },
    { type: "integer", format: "int64" },
    "format-widened",
    "info",
    "breaking",
  ],
  [{ type: "string", format: "date" }, text, "format-removed", "info", "warning"],
  [
    { type: "array" },
    { type: "array", uniqueItems: true },
    "unique-items-added",
    "breaking",
    "info",
  ],
  [
    { type: "array", items: text },
    { type: "array", items: whole },
    "type-changed []",
    "breaking",
    "breaking",
  ],
  [{ prefixItems: [text] }, { prefixItems: [whole] }, "type-changed []", "breaking", "breaking"],
  [object({}), object({ a: text }), "property-added a", "info", "info"],
  [
    object({}),
    object({ a: text }, { required: ["a"] }),
    "required-property-added a",
    "breaking",
    "info",
  ],
  [
    object({}, closed),
    object({ a: text }, closed),
    "property-added-to-closed a",
    "info",
    "warning",
  ],
  [object({ a: text }), object({}), "property-removed a", "warning", "breaking"],
  [
    object({ a: text }),
    object({ a: text }, { required: ["a"] }),
    "property-became-required a",
    "breaking",
    "info",
  ],
  [object({}), object({}, closed), "properties-closed", "breaking", "info"],
  [
    object({ a: object({ b: text }) }),
    object({ a: object({ b: whole }) }),
    "type-changed a.b",
    "breaking",
    "breaking",
  ],
  [
    { type: "object", patternProperties: { "^.*$": text } },
    { type: "object", patternProperties: { "^.*$": whole } },
    "type-changed *",
    "breaking",
    "breaking",
  ],
  [
    { type: "object", patternProperties: { "^a": text } },
    { type: "object" },
    "keyword-removed",
    "info",
    "breaking",
  ],
  [{ not: text }, { not: whole }, "keyword-changed", "breaking", "breaking"],
  [
    { oneOf: [object({ a: text }, { required: ["a"] }), whole] },
    whole,
    "alternative-removed",
    "breaking",
    "info",
  ],
  [
    { type: "string", default: "a" },
    { type: "string", default: "b" },
    "default-changed",
    "warning",
    "info",
  ],
  [
    object({ a: text }),
    object({ a: { type: "string", writeOnly: true } }),
    "write-only-set a",
    "info",
    "breaking",
  ],
  [text, { $ref: "#/nowhere" }, "reference-unresolved", "breaking", "breaking"],
];

function rulesOf(before: unknown, after: unknown, direction: Direction): Map<string, Level> {
  const findings = diffSchemas(before, after, direction);
  return new Map(
    findings.map(({ rule, property, level }) => [property ? `${rule} ${property}` : rule, level]),
  );
}

test.each(LINES)("%j -> %j: %s", (before, after, rule, request, reply) => {
  expect(rulesOf(before, after, "request").get(rule)).toBe(request);
  expect(rulesOf(before, after, "reply").get(rule)).toBe(reply);
  // Older events are kept, so what promises more is at least worth a warning.
  const isTighter = request === "breaking" && reply === "info";
  expect(rulesOf(before, after, "event").get(rule)).toBe(isTighter ? "warning" : reply);
});

test("a field that a strict request names no longer is refused, not ignored", () => {
  const before = object({ a: text, b: text }, closed);
  expect(rulesOf(before, object({ a: text }, closed), "request")).toEqual(
    new Map([["property-refused b", "breaking"]]),
  );
});

test("allOf is multiplied out: the finding is the field, not the part", () => {
  const part = (type: string) => ({ allOf: [object({ a: { type } }), object({ b: text })] });
  expect(rulesOf(part("string"), part("integer"), "reply")).toEqual(
    new Map([["type-changed a", "breaking"]]),
  );
});

test("an alternative that changed inside is named by its field", () => {
  const kinds = (amount: object) => ({
    oneOf: [
      object({ kind: { const: "card" }, amount }, { required: ["kind"] }),
      object({ kind: { const: "cash" } }, { required: ["kind"] }),
    ],
  });
  expect(rulesOf(kinds(text), kinds(whole), "reply")).toEqual(
    new Map([["type-changed amount", "breaking"]]),
  );
});

test("a schema that refers to itself: the change is told, and where it comes back", () => {
  const tree = (type: string) => ({
    $ref: "#/$defs/Node",
    $defs: {
      Node: object({ name: { type }, below: { type: "array", items: { $ref: "#/$defs/Node" } } }),
    },
  });
  expect(diffSchemas(tree("string"), tree("string"), "reply")).toEqual([]);
  expect(rulesOf(tree("string"), tree("integer"), "reply")).toEqual(
    new Map([
      ["type-changed name", "breaking"],
      ["recursive-part-changed below[]", "breaking"],
    ]),
  );
});

test("schemas that refer to each other: a change in one is a change of all", () => {
  const ring = (type: string) => {
    const refer = (name: string) => object({ next: { $ref: `#/$defs/${name}` }, value: text });
    const last = object({ next: { $ref: "#/$defs/A" }, value: { type } });
    return { $ref: "#/$defs/A", $defs: { A: refer("B"), B: refer("C"), C: last } };
  };
  expect([...rulesOf(ring("string"), ring("integer"), "reply").keys()]).toEqual([
    "type-changed next.next.value",
    "recursive-part-changed next.next.next",
  ]);
});

test("the finding says where, in which document and in a sentence", () => {
  const [finding] = diffSchemas(object({ "a/b": text }), object({}), "reply");
  expect(finding).toEqual({
    path: "/properties/a~1b",
    document: "before",
    rule: "property-removed",
    level: "breaking",
    operation: "schema",
    direction: "reply",
    part: "reply",
    sentence: "The field `a/b` of the reply was removed.",
    property: "a/b",
  });
});

test("what is absurd is answered all the same", () => {
  const absurd: readonly unknown[] = [
    null,
    3,
    "x",
    [],
    true,
    false,
    { type: 7 },
    { properties: [] },
    { allOf: {} },
    { enum: [] },
    { anyOf: [] },
    { $ref: "#" },
    { allOf: [{ $ref: "#" }] },
    { anyOf: [{ $ref: "#" }, { type: "string" }] },
  ];
  for (const before of absurd) {
    for (const after of absurd) diffSchemas(before, after, "request");
    expect(diffSchemas(before, structuredClone(before), "reply")).toEqual([]);
  }
});

test("too many alternatives are not compared but refused, unless they are the same", () => {
  const union = (count: number) => ({
    anyOf: Array.from({ length: count }, (_, i) =>
      object({ [`p${i}`]: text }, { required: [`p${i}`] }),
    ),
  });
  expect(diffSchemas(union(300), union(300), "reply")).toEqual([]);
  expect(rulesOf(union(300), union(301), "reply").get("comparison-too-large")).toBe("breaking");
});
