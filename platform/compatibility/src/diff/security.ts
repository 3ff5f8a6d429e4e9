/**
 * Compares what an operation asks of its caller's credentials. A requirement lists alternatives;
 * each asks for schemes, and each scheme for scopes. Who met an old alternative must meet a new
 * one.
 */
import { canonicalJson } from "@tideway/schema";
import { isObject, listAt, objectAt } from "./json.ts";
import { wholeOf } from "./places.ts";
import type { Scope } from "./places.ts";
import { below, resolve } from "./resolve.ts";
import type { Located } from "./resolve.ts";

/** Scheme -> scopes; no scheme at all: anybody may call. */
type Requirement = ReadonlyMap<string, ReadonlySet<string>>;

export function relateSecurity(scope: Scope, was: Located, is: Located): void {
  const before = requirementsOf(was);
  const after = requirementsOf(is);
  const place = wholeOf(scope);
  const at = below(is, "security").value === undefined ? is : below(is, "security");
  const unmet = before.find((old) => !after.some((now) => covers(old, now)));
  if (unmet !== undefined) {
    const needed = ` ${after.map(describe).join(", or ")}`;
    if (unmet.size === 0) scope.run.tell("security-added", place, at, needed);
    else scope.run.tell("security-tightened", place, at, ` ${describe(unmet)}:${needed}`);
  } else if (after.some((now) => !before.some((old) => covers(now, old)))) {
    scope.run.tell("security-loosened", place, at);
  }
}

/** Whether who meets `old` meets `now`: no further scheme, no further scope. */
function covers(old: Requirement, now: Requirement): boolean {
  return [...now].every(([scheme, scopes]) => {
    const had = old.get(scheme);
    return had !== undefined && [...scopes].every((name) => had.has(name));
  });
}

function requirementsOf(operation: Located): Requirement[] {
  const own = isObject(operation.value) ? operation.value["security"] : undefined;
  const root: Located = {
    document: operation.document,
    pointer: "",
    value: operation.document.root,
  };
  const list = Array.isArray(own) ? own : listAt(root.value, "security");
  if (list.length === 0) return [new Map()];
  return list.filter(isObject).map((requirement) => {
    const schemes = Object.entries(requirement).map(([name, scopes]) => {
      const names = (Array.isArray(scopes) ? scopes : []).map(String);
      return [schemeOf(root, name), new Set(names)] as const;
    });
    return new Map(schemes);
  });
}

/** A scheme by what it is, so that a renamed one stays the same. */
function schemeOf(root: Located, name: string): string {
  const at = resolve(below(root, "components", "securitySchemes", name));
  if (at === undefined || !isObject(at.value)) return name;
  const { type, name: key, in: where, scheme, openIdConnectUrl } = at.value;
  const kind = canonicalJson({ type, key, where, scheme, openIdConnectUrl });
  const flows = Object.keys(objectAt(at.value, "flows")).sort().join(" ");
  return `${kind} ${flows}`.trim();
}

function describe(requirement: Requirement): string {
  if (requirement.size === 0) return "nothing";
  const scopes = [...requirement.values()].flatMap((names) => [...names]);
  const suffix = scopes.length > 0 ? ` with ${scopes.join(", ")}` : "";
  return `${requirement.size === 1 ? "a credential" : `${requirement.size} credentials`}${suffix}`;
}
