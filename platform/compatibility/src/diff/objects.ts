/**
 * Compares objects, property by property.
 *
 * Objects that do not rule out further properties are open in JSON Schema: strictly, naming a new
 * optional property forbids values that were good under that name before. Nobody writes or reads
 * what is not named, so that is no break here; taking away a name from a reader is one, though.
 */
import { inside } from "./comparison.ts";
import type { Comparison, Place } from "./comparison.ts";
import type { Conjunction, Shape } from "./shape.ts";
import { SAME, TIGHTER } from "../rules/rules.ts";

interface Objects {
  readonly run: Comparison;
  readonly old: Shape;
  readonly now: Shape;
  readonly place: Place;
}

export function relateObjects(run: Comparison, old: Shape, now: Shape, place: Place): number {
  const objects: Objects = { run, old, now, place };
  let flags = SAME;
  for (const [name, was] of old.properties) {
    const is = now.properties.get(name);
    if (is === undefined) flags |= removed(objects, name, was);
    else flags |= run.relate(was, is, placeOf(objects, name));
  }
  for (const [name, is] of now.properties) {
    if (!old.properties.has(name)) flags |= added(objects, name, is);
  }
  for (const name of new Set([...old.required.keys(), ...now.required.keys()])) {
    flags |= relatePresence(objects, name);
  }
  return flags | relateOthers(objects);
}

/** What a caller never sends and an answer never has is told of, but breaks nobody. */
function placeOf({ run, old, now, place }: Objects, name: string): Place {
  const at = inside(place, name);
  const is = run.shape(now.properties.get(name) ?? [], now.at).notes;
  const was = run.shape(old.properties.get(name) ?? [], old.at).notes;
  const muted =
    place.direction === "request"
      ? is.readOnly
      : was.writeOnly && (is.writeOnly || !now.properties.has(name));
  return muted ? { ...at, muted } : at;
}

function removed(objects: Objects, name: string, was: Conjunction): number {
  const { run, now, place } = objects;
  const at = placeOf(objects, name);
  const from = run.shape(was, now.at).at;
  const rest = now.propertyOf(name);
  const refused = isNever(run, rest, now);
  if (refused && place.direction === "request") return run.tell("property-refused", at, from);
  const detail = objects.old.required.has(name) ? ", and it was always there" : "";
  const flags = run.tell("property-removed", at, from, detail);
  if (refused) return flags | TIGHTER;
  return flags | run.relate(was, rest, { ...at, keep: at.keep & TIGHTER });
}

function added(objects: Objects, name: string, is: Conjunction): number {
  const { run, old, now } = objects;
  const at = placeOf(objects, name);
  const from = run.shape(is, now.at).at;
  const before = old.propertyOf(name);
  const isRequired = now.required.has(name) && !old.required.has(name);
  const closed = isNever(run, before, old);
  let flags = isRequired ? run.tell("required-property-added", at, from) : SAME;
  if (closed) return flags | run.tell("property-added-to-closed", at, from);
  if (before.length > 0) flags |= run.relate(before, is, at);
  else if (!isRequired) flags |= run.tell("property-added", at, from);
  return flags;
}

function relatePresence(objects: Objects, name: string): number {
  const { run, old, now } = objects;
  const was = old.required.get(name);
  const is = now.required.get(name);
  const at = placeOf(objects, name);
  if (was === undefined && is !== undefined) {
    const isNew = now.properties.has(name) && !old.properties.has(name);
    return isNew ? SAME : run.tell("property-became-required", at, is);
  }
  if (was !== undefined && is === undefined) {
    const isGone = old.properties.has(name) && !now.properties.has(name);
    return isGone ? SAME : run.tell("property-became-optional", at, was);
  }
  return SAME;
}

function relateOthers({ run, old, now, place }: Objects): number {
  const wasClosed = isNever(run, old.additional, old);
  const isClosed = isNever(run, now.additional, now);
  if (wasClosed && isClosed) return SAME;
  const at = now.additional[0] ?? old.additional[0] ?? now.at;
  if (wasClosed) return run.tell("properties-opened", place, at);
  if (isClosed) return run.tell("properties-closed", place, at);
  return run.relate(old.additional, now.additional, inside(place, "*"));
}

function isNever(run: Comparison, conjunction: Conjunction, near: Shape): boolean {
  return conjunction.length > 0 && run.shape(conjunction, near.at).kinds.size === 0;
}
