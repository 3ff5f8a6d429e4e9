/** Compares the parameters of an operation: in the path, the query, headers and cookies. */
import type { Comparison, Place } from "./comparison.ts";
import { isObject, listAt, objectAt, textAt } from "./json.ts";
import { placeIn } from "./places.ts";
import type { Scope } from "./places.ts";
import { below, resolve } from "./resolve.ts";
import type { Located } from "./resolve.ts";
import type { Conjunction } from "./shape.ts";

export interface Parameter {
  readonly at: Located;
  readonly name: string;
  readonly where: string;
  readonly required: boolean;
}

/** OpenAPI says that these headers are described elsewhere: by bodies, replies and security. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set(["accept", "content-type", "authorization"]);

/**
 * The parameters of an operation by place and name, with those of its path. `rename` gives the name
 * a path parameter has in the other document: `/a/{id}` and `/a/{key}` are one path.
 */
export function parametersOf(
  operation: Located,
  item: Located,
  rename: ReadonlyMap<string, string>,
): ReadonlyMap<string, Parameter> {
  const found = new Map<string, Parameter>();
  for (const holder of [item, operation]) {
    for (const index of listAt(holder.value, "parameters").keys()) {
      const at = resolve(below(holder, "parameters", index));
      const name = textAt(at?.value, "name");
      const where = textAt(at?.value, "in");
      if (at === undefined || name === undefined || where === undefined) continue;
      const isHeader = where === "header";
      if (isHeader && RESERVED_HEADERS.has(name.toLowerCase())) continue;
      const same = where === "path" ? (rename.get(name) ?? name) : name;
      const required = where === "path" || (isObject(at.value) && at.value["required"] === true);
      const key = `${where} ${isHeader ? name.toLowerCase() : same}`;
      found.set(key, { at, name, where, required });
    }
  }
  return found;
}

export function relateParameters(
  scope: Scope,
  before: ReadonlyMap<string, Parameter>,
  after: ReadonlyMap<string, Parameter>,
): void {
  const { run } = scope;
  for (const [key, was] of before) {
    const is = after.get(key);
    const place = placeOf(scope, was);
    if (is === undefined) run.tell("parameter-removed", place, was.at);
    else relateParameter(run, place, was, is);
  }
  for (const [key, is] of after) {
    if (before.has(key)) continue;
    const place = placeOf(scope, is);
    run.tell(is.required ? "required-parameter-added" : "parameter-added", place, is.at);
  }
}

function placeOf(scope: Scope, { name, where }: Parameter): Place {
  const place = placeIn(scope, "request", `${where} ${name}`, `the ${where} parameter \`${name}\``);
  return { ...place, text: "scalars", parameter: true };
}

function relateParameter(run: Comparison, place: Place, was: Parameter, is: Parameter): void {
  if (!was.required && is.required) run.tell("parameter-became-required", place, is.at);
  if (was.required && !is.required) run.tell("parameter-became-optional", place, is.at);
  if (!isDeprecated(was.at) && isDeprecated(is.at)) run.tell("parameter-deprecated", place, is.at);
  const before = serialisation(was);
  const after = serialisation(is);
  if (before !== after) {
    run.tell("parameter-serialised-differently", place, is.at, `: ${before}, now ${after}`);
  }
  run.relate(schemaOf(was.at), schemaOf(is.at), place);
}

/** A parameter's or a header's schema, which may be that of its one media type. */
export function schemaOf(holder: Located): Conjunction {
  const direct = below(holder, "schema");
  if (direct.value !== undefined) return [direct];
  const [media] = Object.keys(objectAt(holder.value, "content"));
  if (media === undefined) return [];
  const inner = below(holder, "content", media, "schema");
  return inner.value === undefined ? [] : [inner];
}

/** How it is written: style, explode and what may stand unescaped, with OpenAPI's defaults. */
function serialisation({ at, where }: Parameter): string {
  const [media] = Object.keys(objectAt(at.value, "content"));
  if (media !== undefined) return media;
  const usual = where === "query" || where === "cookie" ? "form" : "simple";
  const style = textAt(at.value, "style") ?? usual;
  const given = isObject(at.value) ? at.value["explode"] : undefined;
  const explode = typeof given === "boolean" ? given : style === "form";
  const reserved = isObject(at.value) && at.value["allowReserved"] === true;
  return `${style}${explode ? " exploded" : ""}${reserved ? " with reserved characters" : ""}`;
}

export function isDeprecated({ value }: Located): boolean {
  return isObject(value) && value["deprecated"] === true;
}
