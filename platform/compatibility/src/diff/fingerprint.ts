/**
 * A spelling of a part of a document with its references followed: equal means the same demands.
 */
import { isObject } from "./json.ts";
import { below, resolve } from "./resolve.ts";
import type { Located } from "./resolve.ts";

const WORDS_ONLY: ReadonlySet<string> = new Set(["title", "description", "examples", "example"]);
/** Beyond this depth only the address is compared; deeper schemas are recursive ones. */
const DEPTH_MAX = 40;

export function fingerprint(from: Located, path: readonly string[] = []): string {
  const target = resolve(from);
  if (target === undefined) return JSON.stringify(["unresolved", from.value]) ?? "";
  if (target !== from && path.includes(target.pointer)) {
    // A circle is named by how far it leads back, which is the same in both documents.
    return `"circle ${path.length - path.indexOf(target.pointer)}"`;
  }
  const inside = target === from ? path : [...path, target.pointer];
  if (inside.length > DEPTH_MAX) return `"deep ${target.pointer}"`;
  const { value } = target;
  if (Array.isArray(value)) {
    return `[${value.map((_, index) => fingerprint(below(target, index), inside)).join(",")}]`;
  }
  if (!isObject(value)) return JSON.stringify(value) ?? "null";
  const entries = Object.keys(value)
    // A property may be called `title`: its schema is an object, a title is not.
    .filter((key) => !WORDS_ONLY.has(key) || isObject(value[key]))
    .sort()
    .map((key) => `${JSON.stringify(key)}:${fingerprint(below(target, key), inside)}`);
  return `{${entries.join(",")}}`;
}
