/** Compares the types and the listed values of two shapes. */
import type { Comparison, Place } from "./comparison.ts";
import { kindOfValue, nameKinds, shared, without } from "./kinds.ts";
import type { Kind } from "./kinds.ts";
import type { Shape } from "./shape.ts";
import { SAME } from "../rules/rules.ts";

type Values = ReadonlyMap<string, unknown>;

export function relateKinds(run: Comparison, old: Shape, now: Shape, place: Place): number {
  const was = valuesOf(old, now);
  const is = valuesOf(now, old);
  if (was !== undefined && is !== undefined) return relateValues(run, [old, was], [now, is], place);
  if (was === undefined && is === undefined) return relateTypes(run, old, now, place);
  const [from, to] = [readAs(old.kinds, place), readAs(now.kinds, place)];
  if (shared(from, to).length === 0) {
    return run.tell("type-changed", place, now.kindsAt, fromTo(old.kinds, now.kinds));
  }
  if (is !== undefined) {
    const flags = run.tell("enum-added", place, now.valuesAt, list(is));
    const gained = pick(is, (value) => !from.has(kindOfValue(value)));
    return flags | tellValues(run, "added", gained, now, place);
  }
  const flags = run.tell("enum-removed", place, old.valuesAt, list(was ?? new Map()));
  const lost = pick(was ?? new Map(), (value) => !to.has(kindOfValue(value)));
  return flags | tellValues(run, "removed", lost, old, place);
}

/** The values of a shape. Beside another that lists values, true, false and null are listed too. */
function valuesOf(shape: Shape, other: Shape): Values | undefined {
  if (shape.values !== undefined || other.values === undefined) return shape.values;
  if (without(shape.kinds, new Set<Kind>(["null", "boolean"])).length > 0) return undefined;
  const values: unknown[] = [];
  if (shape.kinds.has("null")) values.push(null);
  if (shape.kinds.has("boolean")) values.push(true, false);
  return new Map(values.map((value) => [JSON.stringify(value), value]));
}

function relateValues(
  run: Comparison,
  [old, was]: readonly [Shape, Values],
  [now, is]: readonly [Shape, Values],
  place: Place,
): number {
  const lost = new Map([...was].filter(([spelling]) => !is.has(spelling)));
  const gained = new Map([...is].filter(([spelling]) => !was.has(spelling)));
  return (
    tellValues(run, "removed", lost, old, place) | tellValues(run, "added", gained, now, place)
  );
}

function tellValues(
  run: Comparison,
  change: "added" | "removed",
  values: Values,
  shape: Shape,
  place: Place,
): number {
  let flags = SAME;
  if (values.has("null")) flags |= run.tell(`null-${change}`, place, shape.kindsAt);
  const others = pick(values, (value) => value !== null);
  if (others.size === 0) return flags;
  return flags | run.tell(`enum-value-${change}`, place, shape.valuesAt, list(others));
}

function relateTypes(run: Comparison, old: Shape, now: Shape, place: Place): number {
  const [from, to] = [readAs(old.kinds, place), readAs(now.kinds, place)];
  // What may be anything may be null too; only where types are spelt out is null told of by itself.
  const apart = from.size < 7 && to.size < 7;
  const lost = without(old.kinds, to).filter((kind) => !(apart && kind === "null"));
  const gained = without(now.kinds, from).filter((kind) => !(apart && kind === "null"));
  let flags = SAME;
  if (apart && from.has("null") && !to.has("null")) {
    flags |= run.tell("null-removed", place, now.kindsAt);
  }
  if (apart && to.has("null") && !from.has("null")) {
    flags |= run.tell("null-added", place, now.kindsAt);
  }
  const common = shared(from, to).filter((kind) => kind !== "null");
  const detail = fromTo(old.kinds, now.kinds);
  if (lost.length > 0 && gained.length > 0 && common.length === 0) {
    return flags | run.tell("type-changed", place, now.kindsAt, detail);
  }
  if (lost.length > 0) flags |= run.tell("type-narrowed", place, now.kindsAt, detail);
  if (gained.length > 0) flags |= run.tell("type-widened", place, now.kindsAt, detail);
  return flags;
}

/** Where everything is written as text, a string is read from whatever was written. */
function readAs(kinds: ReadonlySet<Kind>, place: Place): ReadonlySet<Kind> {
  if (place.text === "none" || !kinds.has("string")) return kinds;
  const scalars: readonly Kind[] = ["boolean", "integer", "fraction"];
  const others: readonly Kind[] = place.text === "everything" ? ["array", "object"] : [];
  return new Set([...kinds, ...scalars, ...others]);
}

function fromTo(from: Iterable<Kind>, to: Iterable<Kind>): string {
  return ` from ${nameKinds(from)} to ${nameKinds(to)}`;
}

const LISTED_MAX = 5;

function list(values: Values): string {
  const spellings = [...values.keys()];
  const shown = spellings.slice(0, LISTED_MAX).join(", ");
  const more = spellings.length - LISTED_MAX;
  return ` ${shown}${more > 0 ? ` and ${more} more` : ""}`;
}

function pick(values: Values, wanted: (value: unknown) => boolean): Values {
  return new Map([...values].filter(([, value]) => wanted(value)));
}
