/**
 * A small resolver of local references. A schema is carried together with its address and its
 * document, so that every finding can say where it comes from. References into other files are not
 * followed: two equal ones are taken for the same, anything else for a change.
 */
import { isObject, pointerTo } from "./json.ts";

export interface Document {
  readonly side: "before" | "after";
  readonly root: unknown;
  /** OpenAPI 3.0 has `nullable`, and ignores what stands beside a `$ref`. */
  readonly dialect: "3.0" | "3.1";
}

/** A schema (or any part of a document) and where it stands. */
export interface Located {
  readonly document: Document;
  readonly pointer: string;
  readonly value: unknown;
  /**
   * `alone`: only its own keywords are read, no reference, allOf, anyOf or oneOf, because those
   * were taken apart already. `union ...`: one of its unions alone. `only ...`: a type that was
   * chosen.
   */
  readonly variant?: string;
  /** The last step of the reference it was reached by: `Dog`. */
  readonly name?: string;
}

/** References followed in a row before a chain counts as a cycle. */
const HOPS_MAX = 50;

/** The part of a document below `from`, at the given steps. */
export function below(from: Located, ...steps: readonly (string | number)[]): Located {
  let value: unknown = from.value;
  for (const step of steps) value = child(value, String(step));
  return { document: from.document, pointer: pointerTo(from.pointer, ...steps), value };
}

/** Follows `$ref` to what it names; undefined when it leads elsewhere, nowhere or in a circle. */
export function resolve(from: Located): Located | undefined {
  let at = from;
  for (let hops = 0; hops < HOPS_MAX; hops += 1) {
    const reference = isObject(at.value) ? at.value["$ref"] : undefined;
    if (typeof reference !== "string") return at;
    const target = targetOf(at.document, reference);
    if (target === undefined) return undefined;
    at = target;
  }
  return undefined;
}

/** What one local reference names. */
export function targetOf(document: Document, reference: string): Located | undefined {
  if (!reference.startsWith("#")) return targetById(document, reference);
  const fragment = decodeFragment(reference.slice(1));
  if (fragment === undefined || (fragment !== "" && !fragment.startsWith("/"))) return undefined;
  const steps = fragment.split("/").slice(1);
  let value = document.root;
  const path: string[] = [];
  for (const step of steps) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    value = child(value, key);
    if (value === undefined) return undefined;
    path.push(key);
  }
  const name = path.at(-1);
  return { document, pointer: pointerTo("", ...path), value, ...(name && { name }) };
}

/** JSON Schema's `$defs` may be named by `$id`, as TypeBox does for recursive types. */
function targetById(document: Document, reference: string): Located | undefined {
  if (!isObject(document.root)) return undefined;
  if (document.root["$id"] === reference) return { document, pointer: "", value: document.root };
  const definitions = document.root["$defs"];
  if (!isObject(definitions)) return undefined;
  for (const [key, value] of Object.entries(definitions)) {
    if (key === reference || (isObject(value) && value["$id"] === reference)) {
      return { document, pointer: pointerTo("", "$defs", key), value, name: key };
    }
  }
  return undefined;
}

function decodeFragment(fragment: string): string | undefined {
  try {
    return decodeURIComponent(fragment);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function child(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value[Number(key)];
  if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
  return value[key];
}
