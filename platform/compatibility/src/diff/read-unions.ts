/**
 * Reads anyOf and oneOf into a shape. Where all branches only list values, they are an enumeration.
 */
import { canonicalJson } from "@tideway/schema";
import { isObject, listAt } from "./json.ts";
import { kindOfValue, kindsOfType } from "./kinds.ts";
import { narrowValues } from "./narrow-values.ts";
import { below, resolve } from "./resolve.ts";
import type { Located } from "./resolve.ts";
import type { Shape } from "./shape.ts";

export function readUnions(shape: Shape, member: Located): void {
  for (const kind of ["anyOf", "oneOf"] as const) {
    const at = below(member, kind);
    if (listAt(member.value, kind).length === 0) continue;
    const branches = listAt(member.value, kind).map((_, index) => named(below(at, index)));
    const values = branches.map(listedValues);
    const listed = values.flatMap((list) => list ?? []);
    const distinct = new Set(listed.map((value) => canonicalJson(value))).size === listed.length;
    // A value in two branches of a oneOf is refused, so such a list is none.
    if (values.includes(undefined) || (kind === "oneOf" && !distinct)) {
      // Alone, a member is read beside a branch that was chosen of this very union.
      if (member.variant !== "alone") shape.unions.push({ kind, branches, at });
    } else narrowValues(shape, listed, at);
  }
}

/** A branch is named by what it refers to, else by its title. */
function named(branch: Located): Located {
  if (!isObject(branch.value)) return branch;
  const reference = branch.value["$ref"];
  const title = branch.value["title"];
  const name = typeof reference === "string" ? reference.split("/").at(-1) : title;
  return typeof name === "string" && name !== "" ? { ...branch, name } : branch;
}

const VALUE_KEYWORDS: ReadonlySet<string> = new Set([
  "const",
  "enum",
  "type",
  "title",
  "description",
  "deprecated",
  "nullable",
]);

/** The values of a branch that does nothing but list them. */
function listedValues(branch: Located): readonly unknown[] | undefined {
  const target = resolve(branch);
  if (target === undefined || !isObject(target.value)) return undefined;
  const schema = target.value;
  if (!Object.keys(schema).every((key) => VALUE_KEYWORDS.has(key))) return undefined;
  if (schema["nullable"] === true) return undefined;
  const listed = "const" in schema ? [schema["const"]] : schema["enum"];
  if ("const" in schema && "enum" in schema) return undefined;
  const kinds = kindsOfType(schema["type"]);
  if (Array.isArray(listed)) {
    return listed.filter((value) => kinds === undefined || kinds.has(kindOfValue(value)));
  }
  return schema["type"] === "null" ? [null] : undefined;
}
