/**
 * A shape is everything that a schema demands of a value, with references followed and `allOf`
 * multiplied out, so that two schemas which say the same in other words have the same shape.
 *
 * Alternatives (anyOf, oneOf) are kept apart as unions, unless they only list values. What the
 * engine does not reason about (if, not, contains, ...) is kept word for word, and any change of it
 * counts. Every demand keeps its address.
 */
import type { JsonObject } from "./json.ts";
import type { Kind } from "./kinds.ts";
import type { Located } from "./resolve.ts";
import type { Limit } from "../rules/limits.ts";

/** Schemas that hold together: a value must satisfy each. None at all: anything goes. */
export type Conjunction = readonly Located[];

export interface Addressed<T> {
  readonly value: T;
  readonly at: Located;
}

export interface Union {
  readonly kind: "anyOf" | "oneOf";
  readonly branches: readonly Located[];
  readonly at: Located;
}

export interface Shape {
  readonly at: Located;
  /** References on the way that could not be followed. */
  readonly unresolved: ReadonlyMap<string, Located>;
  kinds: ReadonlySet<Kind>;
  /** True when `type`, or the values, say what kinds there are. */
  typed: boolean;
  kindsAt: Located;
  /** The only good values, by their canonical spelling. */
  values: ReadonlyMap<string, unknown> | undefined;
  valuesAt: Located;
  readonly limits: Map<Limit, Addressed<number>>;
  readonly patterns: Map<string, Located>;
  readonly formats: Map<string, Located>;
  readonly multiples: Map<number, Located>;
  unique: Located | undefined;
  readonly required: Map<string, Located>;
  readonly properties: Map<string, Conjunction>;
  /** What a property of any name must be, whether it has one here or not. */
  propertyOf: (name: string) => Conjunction;
  /** What a property without a name of its own must be; empty: anything. */
  additional: Conjunction;
  readonly prefix: Conjunction[];
  items: Conjunction;
  readonly unions: Union[];
  /** Keyword -> its contents, where the engine compares words only. */
  readonly verbatim: Map<string, Addressed<string>>;
  /** Named parts of an `allOf`. */
  readonly parts: Map<string, Located>;
  readonly notes: Notes;
}

/** What does not change which values are good. */
export interface Notes {
  defaultValue: Addressed<string> | undefined;
  readOnly: boolean;
  writeOnly: boolean;
  deprecated: boolean;
  discriminator: Addressed<JsonObject> | undefined;
}

const keys = new WeakMap<Conjunction, string>();

/** A conjunction's identity: where its members stand. */
export function keyOf(conjunction: Conjunction): string {
  const known = keys.get(conjunction);
  if (known !== undefined) return known;
  const parts = conjunction.map(({ document, pointer, variant }) => {
    const address = `${document.side}#${pointer}`;
    return variant === undefined ? address : `${address}~${variant}`;
  });
  const key = parts.join("+");
  keys.set(conjunction, key);
  return key;
}
