/** Compares limits, patterns, formats and multiples. */
import type { Comparison, Place } from "./comparison.ts";
import { isObject } from "./json.ts";
import { shared } from "./kinds.ts";
import type { Kind } from "./kinds.ts";
import type { Located } from "./resolve.ts";
import type { Shape } from "./shape.ts";
import { LOWER_LIMITS, UPPER_LIMITS, shutsOut } from "../rules/limits.ts";
import type { Limit, LimitChange } from "../rules/limits.ts";
import { SAME } from "../rules/rules.ts";

const KINDS_OF_LIMIT: ReadonlyMap<Limit, readonly Kind[]> = new Map<Limit, readonly Kind[]>([
  ["minimum", ["integer", "fraction"]],
  ["maximum", ["integer", "fraction"]],
  ["min-length", ["string"]],
  ["max-length", ["string"]],
  ["min-items", ["array"]],
  ["max-items", ["array"]],
  ["min-properties", ["object"]],
  ["max-properties", ["object"]],
]);

export function relateLimits(run: Comparison, old: Shape, now: Shape, place: Place): number {
  const common = commonKinds(old, now, place);
  let flags = SAME;
  for (const limit of [...LOWER_LIMITS, ...UPPER_LIMITS]) {
    const kinds = KINDS_OF_LIMIT.get(limit) ?? [];
    const was = old.limits.get(limit);
    const is = now.limits.get(limit);
    // A limit of lengths says nothing of numbers. One that both state counts all the same: whoever
    // changed a misplaced limit meant something by it.
    const concerns =
      kinds.some((kind) => common.has(kind)) || (was !== undefined && is !== undefined);
    if (!concerns) continue;
    const change = changeOf(was?.value, is?.value);
    if (change === undefined) continue;
    const bound = (shutsOut(limit, change) ? is : was)?.value;
    // Listed values that keep within the limit anyway are not concerned.
    const listed = (shutsOut(limit, change) ? old : now).values;
    if (listed !== undefined && [...listed.values()].every((value) => keeps(value, limit, bound)))
      continue;
    const at = is?.at ?? was?.at ?? now.at;
    flags |= run.tell(`${limit}-${change}`, place, at, fromTo(was?.value, is?.value));
  }
  return flags;
}

function changeOf(was: number | undefined, is: number | undefined): LimitChange | undefined {
  if (was === is) return undefined;
  if (was === undefined) return "added";
  if (is === undefined) return "removed";
  return is > was ? "raised" : "lowered";
}

function fromTo(was: number | undefined, is: number | undefined): string {
  if (was === undefined) return `: ${is}`;
  return is === undefined ? `: it was ${was}` : ` from ${was} to ${is}`;
}

function keeps(value: unknown, limit: Limit, bound: number | undefined): boolean {
  const size = sizeOf(value, limit);
  if (size === undefined || bound === undefined) return true;
  return UPPER_LIMITS.some((upper) => upper === limit) ? size <= bound : size >= bound;
}

function sizeOf(value: unknown, limit: Limit): number | undefined {
  if (limit === "minimum" || limit === "maximum") {
    return typeof value === "number" ? value : undefined;
  }
  // JSON Schema counts characters, not UTF-16 units.
  if (limit.endsWith("length"))
    return typeof value === "string" ? Array.from(value).length : undefined;
  if (limit.endsWith("items")) return Array.isArray(value) ? value.length : undefined;
  return isObject(value) ? Object.keys(value).length : undefined;
}

/** The kinds both have. In text a number is a string too, so what limits strings limits it. */
function commonKinds(old: Shape, now: Shape, place: Place): ReadonlySet<Kind> {
  const common = new Set(shared(old.kinds, now.kinds));
  const readAsText = place.text !== "none" && (old.kinds.has("string") || now.kinds.has("string"));
  if (readAsText) common.add("string");
  return common;
}

/** Formats of which every value of the first is one of the second. */
const NARROWER: ReadonlySet<string> = new Set(["int32 int64", "float double"]);

export function relateStrings(run: Comparison, old: Shape, now: Shape, place: Place): number {
  const common = commonKinds(old, now, place);
  let flags = SAME;
  if (common.has("string")) flags |= relatePatterns(run, old, now, place);
  if (common.size > 0) flags |= relateFormats(run, old, now, place);
  if (!common.has("integer") && !common.has("fraction")) return flags;
  for (const [multiple, at] of uncovered(now.multiples, old.multiples)) {
    flags |= run.tell("multiple-of-tightened", place, at, ` ${multiple}`);
  }
  for (const [multiple, at] of uncovered(old.multiples, now.multiples)) {
    flags |= run.tell("multiple-of-loosened", place, at, ` ${multiple}`);
  }
  return flags;
}

function relatePatterns(run: Comparison, old: Shape, now: Shape, place: Place): number {
  const [lost] = missing(old.patterns, now.patterns);
  const [gained] = missing(now.patterns, old.patterns);
  if (lost !== undefined && gained !== undefined) {
    const detail = ` from ${lost[0]} to ${gained[0]}`;
    return run.tell("pattern-changed", place, gained[1], detail);
  }
  if (lost !== undefined) return run.tell("pattern-removed", place, lost[1], ` ${lost[0]}`);
  if (gained !== undefined) return run.tell("pattern-added", place, gained[1], ` ${gained[0]}`);
  return SAME;
}

function relateFormats(run: Comparison, old: Shape, now: Shape, place: Place): number {
  const [lost] = missing(old.formats, now.formats);
  const [gained] = missing(now.formats, old.formats);
  if (lost !== undefined && gained !== undefined) {
    const detail = ` from ${lost[0]} to ${gained[0]}`;
    if (NARROWER.has(`${lost[0]} ${gained[0]}`)) {
      return run.tell("format-widened", place, gained[1], detail);
    }
    if (NARROWER.has(`${gained[0]} ${lost[0]}`)) {
      return run.tell("format-narrowed", place, gained[1], detail);
    }
    return run.tell("format-changed", place, gained[1], detail);
  }
  if (lost !== undefined) return run.tell("format-removed", place, lost[1], ` ${lost[0]}`);
  if (gained !== undefined) return run.tell("format-added", place, gained[1], ` ${gained[0]}`);
  return SAME;
}

function missing<T>(from: ReadonlyMap<T, Located>, other: ReadonlyMap<T, Located>) {
  return [...from].filter(([key]) => !other.has(key));
}

/** Multiples that none of the others implies: a multiple of 6 is one of 3. */
function uncovered(multiples: ReadonlyMap<number, Located>, others: ReadonlyMap<number, Located>) {
  return [...multiples].filter(
    ([multiple]) => ![...others.keys()].some((other) => other % multiple === 0),
  );
}
