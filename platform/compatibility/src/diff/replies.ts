/** Compares what an operation answers: status codes, headers and bodies. */
import { relateContent } from "./bodies.ts";
import { isObject, objectAt } from "./json.ts";
import { schemaOf } from "./parameters.ts";
import { placeIn } from "./places.ts";
import type { Scope } from "./places.ts";
import { below, resolve } from "./resolve.ts";
import type { Located } from "./resolve.ts";

export function relateReplies(scope: Scope, was: Located, is: Located): void {
  const before = Object.keys(objectAt(was.value, "responses"));
  const after = Object.keys(objectAt(is.value, "responses"));
  for (const status of before) {
    const match = find(status, after);
    const old = resolve(below(was, "responses", status));
    if (old === undefined) continue;
    if (match === undefined) tellStatus(scope, "removed", status, old);
    else {
      const now = resolve(below(is, "responses", match));
      if (now !== undefined) relateReply(scope, status, old, now);
    }
  }
  for (const status of after) {
    const now = resolve(below(is, "responses", status));
    const match = find(status, before);
    if (now === undefined || before.includes(status)) continue;
    if (match === undefined) tellStatus(scope, "added", status, now);
    else {
      // A status spelt out that a range covered before must keep what the range promised.
      const old = resolve(below(was, "responses", match));
      if (old !== undefined) relateReply(scope, status, old, now);
    }
  }
}

/** The same status, else its range (`2XX`), else `default` for what is not a success. */
function find(status: string, among: readonly string[]): string | undefined {
  if (among.includes(status)) return status;
  const range = among.find((other) => other.toUpperCase() === `${status.charAt(0)}XX`);
  if (range !== undefined) return range;
  return isSuccess(status) ? undefined : among.find((other) => other === "default");
}

function isSuccess(status: string): boolean {
  return status.startsWith("2");
}

function tellStatus(scope: Scope, change: "added" | "removed", status: string, at: Located): void {
  const place = placeIn(scope, "reply", `reply ${status}`, `the reply ${status}`);
  scope.run.tell(`${isSuccess(status) ? "success" : "error"}-status-${change}`, place, at);
}

function relateReply(scope: Scope, status: string, was: Located, is: Located): void {
  const place = placeIn(scope, "reply", `reply ${status}`, `the reply ${status}`);
  relateHeaders(scope, status, was, is);
  relateContent(scope.run, was, is, place);
}

function relateHeaders(scope: Scope, status: string, was: Located, is: Located): void {
  const before = headersOf(was);
  const after = headersOf(is);
  const { run } = scope;
  for (const [name, old] of before) {
    const now = after.get(name);
    const place = placeOfHeader(scope, status, name);
    if (now === undefined) {
      run.tell(isRequired(old) ? "header-removed" : "optional-header-removed", place, old);
      continue;
    }
    if (isRequired(old) && !isRequired(now)) run.tell("header-became-optional", place, now);
    if (!isRequired(old) && isRequired(now)) run.tell("header-became-required", place, now);
    run.relate(schemaOf(old), schemaOf(now), place);
  }
  for (const [name, now] of after) {
    if (!before.has(name)) run.tell("header-added", placeOfHeader(scope, status, name), now);
  }
}

function placeOfHeader(scope: Scope, status: string, name: string) {
  const subject = `the header \`${name}\` of the reply ${status}`;
  const place = placeIn(scope, "reply", `reply ${status} header ${name}`, subject);
  return { ...place, text: "scalars" } as const;
}

function headersOf(reply: Located): ReadonlyMap<string, Located> {
  const headers = new Map<string, Located>();
  for (const name of Object.keys(objectAt(reply.value, "headers"))) {
    const at = resolve(below(reply, "headers", name));
    if (at !== undefined) headers.set(name.toLowerCase(), at);
  }
  return headers;
}

function isRequired({ value }: Located): boolean {
  return isObject(value) && value["required"] === true;
}
