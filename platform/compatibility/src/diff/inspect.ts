/** Compares two schemas by their shapes: kinds and values, then what each kind has in common. */
import { relateArrays } from "./arrays.ts";
import type { Comparison, Inspect, Place } from "./comparison.ts";
import { relateKinds } from "./relate-kinds.ts";
import { relateLimits, relateStrings } from "./limits.ts";
import { relateObjects } from "./objects.ts";
import { shared } from "./kinds.ts";
import type { Conjunction, Shape } from "./shape.ts";
import { relateUnions } from "./unions.ts";
import { SAME } from "../rules/rules.ts";
import { relateNotes } from "./notes.ts";

export const inspect: Inspect = (run, before, after, place) => {
  const [first, other] = [before[0] ?? after[0], after[0] ?? before[0]];
  if (first === undefined || other === undefined) return SAME;
  const old = run.shape(before, first);
  const now = run.shape(after, other);
  if (!run.spend()) return run.tell("comparison-too-large", place, now.at);
  let flags = relateReferences(run, old, now, place) | relateNotes(run, old, now, place);
  if (old.unions.length > 0 || now.unions.length > 0) {
    return flags | relateUnions(run, { before, after, old, now }, place);
  }
  flags |= relateKinds(run, old, now, place);
  flags |= relateLimits(run, old, now, place);
  flags |= relateStrings(run, old, now, place);
  flags |= relateVerbatim(run, old, now, place);
  const kinds = new Set(shared(old.kinds, now.kinds));
  if (kinds.has("object") || bothMisplaceProperties(before, old, now)) {
    flags |= relateObjects(run, old, now, place);
  }
  if (kinds.has("array")) flags |= relateArrays(run, old, now, place);
  return flags;
};

/**
 * Properties beside a type that is no object say nothing; where both state some, the type is the
 * slip and the properties are meant. Types that were chosen for a comparison are no slips.
 */
function bothMisplaceProperties(before: Conjunction, old: Shape, now: Shape): boolean {
  if (old.properties.size === 0 || now.properties.size === 0) return false;
  if (old.kinds.has("object") || now.kinds.has("object")) return false;
  return !before.some(({ variant }) => variant?.startsWith("only "));
}

function relateReferences(run: Comparison, old: Shape, now: Shape, place: Place): number {
  const lost = [...old.unresolved].find(([reference]) => !now.unresolved.has(reference));
  const found = [...now.unresolved].find(([reference]) => !old.unresolved.has(reference));
  const [reference, at] = found ?? lost ?? [];
  if (at === undefined) return SAME;
  return run.tell("reference-unresolved", place, at, `: ${reference}`);
}

/** A change of these can go either way, whatever else stays. */
const EITHER_WAY: ReadonlySet<string> = new Set(["minContains", "maxContains", "contentEncoding"]);

function relateVerbatim(run: Comparison, old: Shape, now: Shape, place: Place): number {
  let flags = SAME;
  for (const keyword of new Set([...old.verbatim.keys(), ...now.verbatim.keys()])) {
    const was = old.verbatim.get(keyword);
    const is = now.verbatim.get(keyword);
    if (was?.value === is?.value) continue;
    // What `patternProperties` names is taken out of what `additionalProperties` refuses.
    const closed =
      keyword === "patternProperties" && old.additional.length + now.additional.length > 0;
    const detail = ` \`${keyword}\``;
    if (was !== undefined && is !== undefined) {
      flags |= run.tell("keyword-changed", place, is.at, detail);
    } else if (closed || EITHER_WAY.has(keyword)) {
      flags |= run.tell("keyword-changed", place, is?.at ?? was?.at ?? now.at, detail);
    } else if (is !== undefined) flags |= run.tell("keyword-added", place, is.at, detail);
    else if (was !== undefined) flags |= run.tell("keyword-removed", place, was.at, detail);
  }
  return flags;
}

/** What is compared by `relateUnions`. */
export interface Pair {
  readonly before: Conjunction;
  readonly after: Conjunction;
  readonly old: Shape;
  readonly now: Shape;
}
