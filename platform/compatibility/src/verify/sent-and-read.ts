/** Fields by their path, and how sentences name them. */
import type { Expectation, FieldType, JsonObject } from "@tideway/schema";
import { lookUp, typesAt } from "./schema-view.ts";
import type { Lookup, Place } from "./schema-view.ts";

/** Each field once, with all types that were met there. */
export function byPath(
  expects: readonly Expectation[],
): ReadonlyMap<string, ReadonlySet<FieldType>> {
  const types = new Map<string, Set<FieldType>>();
  for (const { path, type } of expects) {
    types.set(path, (types.get(path) ?? new Set<FieldType>()).add(type));
  }
  return types;
}

/** The field in any of the schemas: one that has it is enough, since it was met there. */
export function lookUpAny(document: JsonObject, roots: readonly Place[], path: string): Lookup {
  const looked = roots.map((root) => lookUp(document, root, path));
  const places = looked.flatMap((one) => (one.kind === "found" ? one.places : []));
  if (places.length > 0) return { kind: "found", places };
  return looked.find(({ kind }) => kind === "open") ?? looked[0] ?? { kind: "open" };
}

export function typesOf(places: readonly Place[]): ReadonlySet<FieldType> {
  return new Set(places.flatMap((place) => [...typesAt(place)]));
}

export function isBelow(path: string, above: string): boolean {
  return path.startsWith(`${above}.`) || path.startsWith(`${above}[]`);
}

export function named(path: string): string {
  return path === "" ? "its answer" : `.${path}`;
}

export function listTypes(types: Iterable<FieldType>): string {
  return [...types].sort().join(" or ");
}
