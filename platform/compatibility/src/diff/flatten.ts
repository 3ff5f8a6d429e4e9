/**
 * Follows references and takes `allOf` apart: the members of a conjunction, none of them a wrapper.
 */
import { isObject, listAt } from "./json.ts";
import { below, resolve } from "./resolve.ts";
import type { Located } from "./resolve.ts";
import { keyOf } from "./shape.ts";
import type { Conjunction } from "./shape.ts";

/** Members of one conjunction; beyond them a schema counts as unresolved, which is breaking. */
const MEMBERS_MAX = 500;

export interface Flat {
  readonly members: readonly Located[];
  readonly unresolved: ReadonlyMap<string, Located>;
  readonly parts: ReadonlyMap<string, Located>;
  /**
   * OpenAPI 3.0: `nullable` beside a reference or an `allOf` is meant, though the text is vague.
   */
  readonly nullable: boolean;
}

export function flatten(conjunction: Conjunction): Flat {
  const members: Located[] = [];
  const unresolved = new Map<string, Located>();
  const parts = new Map<string, Located>();
  const seen = new Set<string>();

  const visit = (from: Located, part: string | undefined): void => {
    const key = keyOf([from]);
    if (seen.has(key)) return;
    seen.add(key);
    if (from.variant !== undefined) {
      members.push(from);
      return;
    }
    if (members.length >= MEMBERS_MAX) {
      unresolved.set("more members than can be compared", from);
      return;
    }
    const reference = isObject(from.value) ? from.value["$ref"] : undefined;
    if (typeof reference === "string") {
      const target = resolve(from);
      if (target === undefined) unresolved.set(reference, from);
      else visit(target, part);
      if (from.document.dialect === "3.0") return;
    }
    if (part !== undefined && constrains(from.value)) parts.set(part, from);
    members.push(from);
    if (!isObject(from.value)) return;
    listAt(from.value, "allOf").forEach((_, index) => {
      const member = below(from, "allOf", index);
      const name = isObject(member.value) ? member.value["$ref"] : undefined;
      visit(member, typeof name === "string" ? name.split("/").at(-1) : undefined);
    });
  };
  for (const member of conjunction) visit(member, undefined);
  return { members, unresolved, parts, nullable: conjunction.some(isNullable) };
}

function isNullable(from: Located): boolean {
  if (from.document.dialect !== "3.0" || !isObject(from.value)) return false;
  if (from.variant !== undefined) return false;
  if (from.value["nullable"] === true) return true;
  const target = resolve(from);
  return target !== undefined && isObject(target.value) && target.value["nullable"] === true;
}

const ANNOTATIONS: ReadonlySet<string> = new Set([
  "title",
  "description",
  "example",
  "examples",
  "deprecated",
  "externalDocs",
  "readOnly",
  "writeOnly",
  "default",
  "xml",
  "$comment",
  "$id",
  "$schema",
  "$defs",
  "definitions",
]);

/** Whether a schema demands anything, and does not only describe. */
export function constrains(schema: unknown): boolean {
  if (!isObject(schema)) return schema !== true;
  return Object.keys(schema).some((key) => !ANNOTATIONS.has(key) && !key.startsWith("x-"));
}
