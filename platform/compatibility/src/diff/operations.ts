/** The operations of an OpenAPI document: its paths, webhooks, and callbacks of one operation. */
import { isObject, objectAt } from "./json.ts";
import { below, resolve } from "./resolve.ts";
import type { Document, Located } from "./resolve.ts";

export interface Operation {
  readonly at: Located;
  /** The path item it stands in, whose parameters it has too. */
  readonly item: Located;
  readonly method: string;
  /** As written, with the names of its parameters. */
  readonly path: string;
}

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];

/** Operations by method and path; two paths that differ in their parameters' names are one. */
export function operationsOf(document: Document): ReadonlyMap<string, Operation> {
  const root: Located = { document, pointer: "", value: document.root };
  return collect(below(root, "paths"), (path) => path.replace(/\{[^}]*\}/g, "{}"));
}

export function webhooksOf(document: Document): ReadonlyMap<string, Operation> {
  const root: Located = { document, pointer: "", value: document.root };
  return collect(below(root, "webhooks"), (name) => name);
}

/** The callbacks of an operation by name, expression and method. */
export function callbacksOf(operation: Located): ReadonlyMap<string, Operation> {
  const found = new Map<string, Operation>();
  for (const name of Object.keys(objectAt(operation.value, "callbacks"))) {
    const callback = resolve(below(operation, "callbacks", name));
    if (callback === undefined) continue;
    for (const [key, value] of collect(callback, (expression) => expression)) {
      found.set(`${name} ${key}`, value);
    }
  }
  return found;
}

function collect(
  holder: Located,
  normalise: (path: string) => string,
): ReadonlyMap<string, Operation> {
  const found = new Map<string, Operation>();
  if (!isObject(holder.value)) return found;
  for (const path of Object.keys(holder.value)) {
    if (path.startsWith("x-")) continue;
    const item = resolve(below(holder, path));
    if (item === undefined || !isObject(item.value)) continue;
    for (const method of METHODS) {
      const at = below(item, method);
      if (!isObject(at.value)) continue;
      const name = method.toUpperCase();
      found.set(`${name} ${normalise(path)}`, { at, item, method: name, path });
    }
  }
  return found;
}

/** New name -> old name of the parameters that stand at the same place of two paths. */
export function renamedParameters(before: string, after: string): ReadonlyMap<string, string> {
  const [old, now] = [namesIn(before), namesIn(after)];
  return new Map(now.map((name, index) => [name, old[index] ?? name]));
}

function namesIn(path: string): string[] {
  return [...path.matchAll(/\{([^}]*)\}/g)].map((match) => match[1] ?? "");
}
