/** Compares two OpenAPI documents (3.0 or 3.1), operation by operation. */
import { relateContent } from "./bodies.ts";
import type { Comparison } from "./comparison.ts";
import { isObject, listAt, textAt } from "./json.ts";
import { callbacksOf, operationsOf, renamedParameters, webhooksOf } from "./operations.ts";
import type { Operation } from "./operations.ts";
import { isDeprecated, parametersOf, relateParameters } from "./parameters.ts";
import { placeIn, wholeOf } from "./places.ts";
import type { Scope } from "./places.ts";
import { relateReplies } from "./replies.ts";
import { below, resolve } from "./resolve.ts";
import type { Located } from "./resolve.ts";
import { relateSecurity } from "./security.ts";

/** Callbacks inside callbacks; deeper ones are not looked at. */
const DEPTH_MAX = 3;

export function relateOpenApi(run: Comparison): void {
  relateServers(run);
  relateAll(run, operationsOf(run.before), operationsOf(run.after), {
    nameOf: ({ method, path }) => `${method} ${path}`,
    removed: "operation-removed",
    added: "operation-added",
    inverted: false,
    depth: 0,
  });
  relateAll(run, webhooksOf(run.before), webhooksOf(run.after), {
    nameOf: ({ method, path }) => `webhook ${path} ${method}`,
    removed: "callback-removed",
    added: "callback-added",
    inverted: true,
    depth: 0,
  });
}

interface Manner {
  readonly nameOf: (operation: Operation, key: string) => string;
  readonly removed: "operation-removed" | "callback-removed";
  readonly added: "operation-added" | "callback-added";
  readonly inverted: boolean;
  readonly depth: number;
}

function relateAll(
  run: Comparison,
  before: ReadonlyMap<string, Operation>,
  after: ReadonlyMap<string, Operation>,
  manner: Manner,
): void {
  const { inverted, depth } = manner;
  for (const [key, was] of before) {
    const scope: Scope = { run, operation: manner.nameOf(was, key), inverted };
    const is = after.get(key);
    if (is === undefined) tellRemoved(scope, was, manner);
    else relateOperation(scope, was, is, depth);
  }
  for (const [key, is] of after) {
    if (before.has(key)) continue;
    const scope: Scope = { run, operation: manner.nameOf(is, key), inverted };
    run.tell(manner.added, wholeOf(scope), is.at);
  }
}

function tellRemoved(scope: Scope, was: Operation, { removed }: Manner): void {
  const sunset = textAt(was.at.value, "x-sunset");
  const detail =
    removed === "operation-removed" && sunset !== undefined ? `: it was to end on ${sunset}` : "";
  scope.run.tell(removed, wholeOf(scope), was.at, detail);
}

function relateOperation(scope: Scope, was: Operation, is: Operation, depth: number): void {
  const { run, operation } = scope;
  const renamed = renamedParameters(was.path, is.path);
  relateParameters(
    scope,
    parametersOf(was.at, was.item, new Map()),
    parametersOf(is.at, is.item, renamed),
  );
  relateRequestBody(scope, was.at, is.at);
  relateReplies(scope, was.at, is.at);
  if (!scope.inverted) relateSecurity(scope, was.at, is.at);
  relateLife(scope, was.at, is.at);
  if (depth >= DEPTH_MAX) return;
  relateAll(run, callbacksOf(was.at), callbacksOf(is.at), {
    nameOf: (_, key) => `${operation} callback ${key}`,
    removed: "callback-removed",
    added: "callback-added",
    inverted: !scope.inverted,
    depth: depth + 1,
  });
}

function relateRequestBody(scope: Scope, was: Located, is: Located): void {
  const { run } = scope;
  const place = placeIn(scope, "request", "body", "the body");
  const old = bodyOf(was);
  const now = bodyOf(is);
  if (old === undefined && now === undefined) return;
  if (old === undefined && now !== undefined) {
    run.tell(isRequired(now) ? "body-required-added" : "body-added", place, now);
  } else if (old !== undefined && now === undefined) run.tell("body-removed", place, old);
  else if (old !== undefined && now !== undefined) {
    if (!isRequired(old) && isRequired(now)) run.tell("body-became-required", place, now);
    if (isRequired(old) && !isRequired(now)) run.tell("body-became-optional", place, now);
    relateContent(run, old, now, place);
  }
}

function bodyOf(operation: Located): Located | undefined {
  const body = below(operation, "requestBody");
  return body.value === undefined ? undefined : resolve(body);
}

function isRequired({ value }: Located): boolean {
  return isObject(value) && value["required"] === true;
}

/** Deprecation and announced end (`x-sunset`), and the name that generated clients call it by. */
function relateLife(scope: Scope, was: Located, is: Located): void {
  const { run } = scope;
  const place = wholeOf(scope);
  const before = textAt(was.value, "x-sunset");
  const after = textAt(is.value, "x-sunset");
  if (!isDeprecated(was) && isDeprecated(is)) {
    run.tell("operation-deprecated", place, is, after === undefined ? "" : `, until ${after}`);
  }
  if (before !== undefined && after !== undefined && after < before) {
    run.tell("sunset-advanced", place, is, `: ${after}, not ${before}`);
  }
  if (before !== undefined && after === undefined && isDeprecated(is)) {
    run.tell("sunset-removed", place, is, `: it was ${before}`);
  }
  const name = textAt(was.value, "operationId");
  const renamed = textAt(is.value, "operationId");
  if (name !== renamed) {
    run.tell("operation-id-changed", place, is, ` from ${name ?? "none"} to ${renamed ?? "none"}`);
  }
}

function relateServers(run: Comparison): void {
  const urls = (root: unknown) => listAt(root, "servers").map((server) => textAt(server, "url"));
  const after = new Set(urls(run.after.root));
  for (const [index, url] of urls(run.before.root).entries()) {
    if (url === undefined || after.has(url)) continue;
    const scope: Scope = { run, operation: "servers", inverted: false };
    const root: Located = { document: run.before, pointer: "", value: run.before.root };
    run.tell("server-removed", wholeOf(scope), below(root, "servers", index), ` ${url}`);
  }
}
