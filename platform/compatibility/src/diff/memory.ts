/**
 * Remembers how pairs of schemas relate, also where schemas refer to themselves.
 *
 * Idea: a pair met inside itself cannot be answered yet, so it is assumed to be the same. When a
 * pass is over, an assumption that turned out wrong is corrected and the pass repeated, until all
 * hold. Flags only ever grow from pass to pass, so there are few. Without repeating, answers found
 * on the way would rest on wrong assumptions; without remembering them, a circle of n schemas would
 * be walked along each of its paths.
 */
import type { Comparison, Inspect, Place } from "./comparison.ts";
import { keyOf } from "./shape.ts";
import type { Conjunction } from "./shape.ts";
import { SAME } from "../rules/rules.ts";
import { constrains } from "./flatten.ts";
import { isObject } from "./json.ts";
import { resolve } from "./resolve.ts";
import type { Located } from "./resolve.ts";

/**
 * Differing pairs told of in one part of an operation; a change in more places counts as all over.
 */
export const PLACES_MAX = 400;

export function rememberPairs(inspect: Inspect): Inspect {
  const silently = rememberFlags(inspect);
  const open = new Map<string, Closing[]>();
  const told = new Map<string, number>();

  return (run, written, rewritten, place) => {
    if (written.length === 0 && rewritten.length === 0) return SAME;
    const before = settle(written);
    const after = settle(rewritten);
    const flags = silently(run, before, after, place);
    if ((flags & place.keep) === SAME) return flags;
    const key = `${keyOf(before)}|${keyOf(after)}`;
    const at = after[0] ?? before[0];
    const circles = open.get(key);
    if (circles !== undefined) {
      if (at !== undefined) circles.push({ place, at });
      return flags;
    }
    const part = `${place.operation} ${place.part}`;
    const count = (told.get(part) ?? 0) + 1;
    told.set(part, count);
    if (count > PLACES_MAX) {
      if (at !== undefined) run.tell("more-places-changed", { ...place, property: "" }, at);
      return flags;
    }
    const closing: Closing[] = [];
    const begun = run.findings.length;
    open.set(key, closing);
    inspect(run, before, after, place);
    open.delete(key);
    closeCircles(run, closing, begun);
    return flags;
  };
}

const settled = new WeakMap<Conjunction, Conjunction>();

/** What only refers is taken for what it refers to, so that it has one address. */
function settle(conjunction: Conjunction): Conjunction {
  const known = settled.get(conjunction);
  if (known !== undefined) return known;
  const members = conjunction.map((member) =>
    onlyRefers(member) ? (resolve(member) ?? member) : member,
  );
  settled.set(conjunction, members);
  return members;
}

function onlyRefers({ value, variant, document }: Located): boolean {
  if (variant !== undefined || !isObject(value) || !("$ref" in value)) return false;
  const { $ref: _, ...beside } = value;
  return document.dialect === "3.0" || !constrains(beside);
}

/** Where a schema came back to itself. */
interface Closing {
  readonly place: Place;
  readonly at: Located;
}

/** What breaks in a schema breaks wherever it comes back to itself, however deep. */
function closeCircles(run: Comparison, closing: readonly Closing[], begun: number): void {
  const breaks = run.findings.slice(begun).some(({ level }) => level === "breaking");
  if (!breaks) return;
  for (const { place, at } of closing) run.tell("recursive-part-changed", place, at);
}

function rememberFlags(inspect: Inspect): Inspect {
  const known = new Map<string, number>();
  const assumed = new Map<string, number>();
  /** Answers of this pass, and pairs that it is in the middle of. */
  let pass = new Map<string, number>();
  const open = new Set<string>();
  let wrong = false;

  const answer: Inspect = (run, before, after, place) => {
    const key = `${keyOf(before)}|${keyOf(after)}|${place.text}`;
    const found = known.get(key) ?? pass.get(key);
    if (found !== undefined) return found;
    if (open.has(key)) {
      if (!assumed.has(key)) assumed.set(key, SAME);
      return assumed.get(key) ?? SAME;
    }
    open.add(key);
    const flags = inspect(run, before, after, { ...place, keep: SAME });
    open.delete(key);
    pass.set(key, flags);
    const assumption = assumed.get(key) ?? flags;
    // An assumption only grows, so that the passes come to an end.
    if ((assumption | flags) !== assumption) {
      assumed.set(key, assumption | flags);
      wrong = true;
    }
    return flags;
  };

  return (run, before: Conjunction, after: Conjunction, place) => {
    if (open.size > 0) return answer(run, before, after, place);
    for (;;) {
      wrong = false;
      pass = new Map();
      const flags = answer(run, before, after, place);
      if (wrong) continue;
      for (const [key, value] of pass) known.set(key, value);
      assumed.clear();
      return flags;
    }
  };
}
