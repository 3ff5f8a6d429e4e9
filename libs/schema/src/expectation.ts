/**
 * What a consumer relies on in a neighbour's api: one field that it reads of a reply or an event, or
 * sends in a request, with the type it had. Never a value: a file of these may be committed, kept and
 * shown to anybody.
 */
import { Type } from "typebox";
import type { Static } from "typebox";

/** `absent`: the consumer looked, and an optional field was not there. */
export const FieldType = Type.Union([
  Type.Literal("string"),
  Type.Literal("number"),
  Type.Literal("boolean"),
  Type.Literal("null"),
  Type.Literal("object"),
  Type.Literal("array"),
  Type.Literal("absent"),
]);
export type FieldType = Static<typeof FieldType>;

export const Expectation = Type.Object(
  {
    /** The service whose api it is. */
    provider: Type.String({ pattern: "^[a-z][a-z0-9-]{1,30}$" }),
    /** `GET /accounts/:accountId`, or the type of an event. */
    operation: Type.String({ minLength: 1, maxLength: 300 }),
    part: Type.Union([Type.Literal("request"), Type.Literal("reply"), Type.Literal("event")]),
    /**
     * Dots between names and `[]` for any element: `accounts[].available`; empty for the whole. In a
     * request it begins with `params`, `query`, `header` or `body`.
     */
    path: Type.String({ maxLength: 500 }),
    type: FieldType,
  },
  { additionalProperties: false },
);
export type Expectation = Static<typeof Expectation>;

/** How many one consumer may have: of one instance, and in its file. */
export const EXPECTATIONS_MAX = 2_000;

export const ExpectationsFile = Type.Object(
  {
    expectationsVersion: Type.Literal(1),
    consumer: Type.String({ pattern: "^[a-z][a-z0-9-]{1,30}$" }),
    expects: Type.Array(Expectation, { maxItems: EXPECTATIONS_MAX }),
  },
  { additionalProperties: false },
);
export type ExpectationsFile = Static<typeof ExpectationsFile>;

/** One spelling of an expectation, for sets and for sorting. */
export function expectationKey(given: Expectation): string {
  const { provider, operation, part, path, type } = given;
  return [provider, operation, part, path, type].join(" ");
}

/** Each once, in one order, so that the same expectations are the same bytes. */
export function sortExpectations(given: Iterable<Expectation>): Expectation[] {
  const byKey = new Map<string, Expectation>();
  for (const { provider, operation, part, path, type } of given) {
    const one = { provider, operation, part, path, type };
    byKey.set(expectationKey(one), one);
  }
  return [...byKey.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

/** The text of `expectations.json`, as the formatter would write it. */
export function formatExpectations(consumer: string, expects: readonly Expectation[]): string {
  const file: ExpectationsFile = {
    expectationsVersion: 1,
    consumer,
    expects: sortExpectations(expects),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}
