/**
 * Reads oasdiff's fixtures. Half of its tests change the parsed document before they compare; those
 * assignments are data here (lines of Go), and the few forms they have are carried out on the JSON.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const CASES = fileURLToPath(new URL("../../../shared/cases/reliability", import.meta.url));
export const areThere = existsSync(join(CASES, "oasdiff", "expectations.json"));

export type Expected = "breaking" | "warning" | "harmless";

export interface Case {
  readonly name: string;
  readonly base: string;
  readonly revision: string;
  /** The change ids that the test asserts. */
  readonly ids: readonly string[];
  readonly expected: Expected;
  readonly mutations: readonly string[];
}

/** The pairs as they stand, then those with a change made by the test's own code. */
export function readCases(): {
  readonly plain: readonly Case[];
  readonly mutated: readonly Case[];
} {
  if (!areThere) return { plain: [], mutated: [] };
  const text = readFileSync(join(CASES, "oasdiff", "expectations.json"), "utf8");
  const all: unknown = JSON.parse(text);
  return {
    plain: listOf(field(all, "pairs_without_mutation")).map(toCase),
    mutated: listOf(field(all, "pairs_with_go_mutation"))
      .map(toCase)
      // A few assert nothing but a sentence; without an id there is nothing to hold against.
      .filter(({ ids }) => ids.length > 0),
  };
}

function toCase(entry: unknown): Case {
  const levels = listOf(field(entry, "expected_levels")).map(String);
  return {
    name: String(field(entry, "test")),
    base: String(field(entry, "base")),
    revision: String(field(entry, "revision")),
    ids: listOf(field(entry, "expected_ids")).map(String),
    expected: worst(levels),
    mutations: listOf(field(entry, "programmatic_mutations")).map(String),
  };
}

function worst(levels: readonly string[]): Expected {
  if (levels.includes("ERR")) return "breaking";
  return levels.includes("WARN") ? "warning" : "harmless";
}

/** Any YAML or JSON document below `cases/reliability`. */
export function readDocument(path: string): unknown {
  return parse(readFileSync(join(CASES, path), "utf8"), { merge: true });
}

/** Both documents of a case, with its assignments carried out. */
export function documentsOf(one: Case): readonly [before: unknown, after: unknown] {
  const before = readDocument(join("oasdiff", one.base));
  const after = readDocument(join("oasdiff", one.revision));
  for (const line of one.mutations) mutate(line, { s1: before, s2: after }, variables(one));
  return [before, after];
}

/** Numbers that the tests keep in variables, chosen as the id that they expect says. */
function variables({ ids }: Case): Readonly<Record<string, number>> {
  const grows = ids.some((id) => id.endsWith("-increased"));
  const [from, to] = grows ? [50, 100] : [100, 50];
  const both = { maxLength: from, newMaxLength: to, newMax: to };
  return { ...both, max: ids.some((id) => id.startsWith("request-read-only")) ? 1 : from };
}

const STEP = /\.([A-Z][A-Za-z]*)(?:\("([^"]*)"\))?((?:\["[^"]*"\]|\[\d+\])*)/g;
/** Steps of the Go structures that are no steps of the document. */
const NO_STEP: ReadonlySet<string> = new Set(["Spec", "Value", "Find"]);
const SPELLING: Readonly<Record<string, string>> = {
  OperationID: "operationId",
  Max: "maximum",
  Min: "minimum",
  TokenURL: "tokenUrl",
};

function mutate(
  line: string,
  roots: Readonly<Record<string, unknown>>,
  numbers: Readonly<Record<string, number>>,
): void {
  const [left = "", right = ""] = line.split(/ = (.*)/s);
  const steps = stepsOf(left);
  const root = roots[left.slice(0, 2)];
  const last = steps.pop() ?? "";
  let holder = root;
  for (const step of steps) holder = follow(root, field(holder, step));
  if (typeof holder !== "object" || holder === null) throw new Error(`Nothing at ${left}.`);
  const value = valueOf(right, field(holder, last), numbers);
  if (value === undefined) Reflect.deleteProperty(holder, last);
  else Reflect.set(holder, last, value);
}

function stepsOf(expression: string): string[] {
  const steps: string[] = [];
  for (const [, name = "", argument, indexes = ""] of expression.matchAll(STEP)) {
    if (!NO_STEP.has(name))
      steps.push(SPELLING[name] ?? name.charAt(0).toLowerCase() + name.slice(1));
    if (argument !== undefined) steps.push(argument);
    for (const [, text, index] of indexes.matchAll(/\["([^"]*)"\]|\[(\d+)\]/g)) {
      steps.push(text ?? index ?? "");
    }
  }
  return steps;
}

/** The value of a Go expression; undefined for Go's empty values, which leave the keyword out. */
function valueOf(
  text: string,
  present: unknown,
  numbers: Readonly<Record<string, number>>,
): unknown {
  const empty = ["nil", '""', "[]any{}", '[]string{""}'];
  if (empty.includes(text)) return undefined;
  if (text === "true" || text === "false") return text === "true";
  const list = /\{(.*)\}$/.exec(text)?.[1];
  if (list !== undefined) return JSON.parse(`[${list}]`);
  if (text.startsWith('"')) return JSON.parse(text);
  const part = /\[:(\d+)\]$/.exec(text)?.[1];
  if (part !== undefined) return listOf(present).slice(0, Number(part));
  const number = numbers[text.replace("&", "")] ?? Number(/[\d.]+(?=\)?$)/.exec(text)?.[0]);
  if (Number.isNaN(number)) throw new Error(`The expression ${text} is not known.`);
  return number;
}

function follow(root: unknown, value: unknown): unknown {
  const reference = field(value, "$ref");
  if (typeof reference !== "string") return value;
  return reference.split("/").slice(1).reduce<unknown>(field, root);
}

function field(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Reflect.get(value, key);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
