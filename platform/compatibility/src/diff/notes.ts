/**
 * Compares what does not change which values are good: defaults, read-only, discriminators, names.
 */
import { canonicalJson } from "@tideway/schema";
import type { Comparison, Place } from "./comparison.ts";
import type { Shape } from "./shape.ts";
import { SAME } from "../rules/rules.ts";

export function relateNotes(run: Comparison, old: Shape, now: Shape, place: Place): number {
  let flags = relateDefaults(run, old, now, place) | relateParts(run, old, now, place);
  if (!old.notes.readOnly && now.notes.readOnly) flags |= run.tell("read-only-set", place, now.at);
  if (old.notes.readOnly && !now.notes.readOnly)
    flags |= run.tell("read-only-unset", place, now.at);
  if (!old.notes.writeOnly && now.notes.writeOnly) {
    flags |= run.tell("write-only-set", place, now.at);
  }
  if (old.notes.writeOnly && !now.notes.writeOnly) {
    flags |= run.tell("write-only-unset", place, now.at);
  }
  if (!old.notes.deprecated && now.notes.deprecated) {
    flags |= run.tell("property-deprecated", place, now.at);
  }
  const was = old.notes.discriminator;
  const is = now.notes.discriminator;
  if (canonicalJson(was?.value) !== canonicalJson(is?.value)) {
    const at = is?.at ?? was?.at ?? now.at;
    flags |= run.tell("discriminator-changed", place, at);
  }
  return flags;
}

function relateDefaults(run: Comparison, old: Shape, now: Shape, place: Place): number {
  const was = old.notes.defaultValue;
  const is = now.notes.defaultValue;
  if (was?.value === is?.value) return SAME;
  const at = is?.at ?? was?.at ?? now.at;
  const detail = ` from ${was?.value ?? "none"} to ${is?.value ?? "none"}`;
  if (!place.parameter) return run.tell("default-changed", place, at, detail);
  if (was === undefined) return run.tell("parameter-default-added", place, at, `, ${is?.value}`);
  return run.tell("parameter-default-changed", place, at, detail);
}

/** Named parts of an `allOf`, where both have some: a refactoring into parts is not a demand. */
function relateParts(run: Comparison, old: Shape, now: Shape, place: Place): number {
  if (old.parts.size === 0 || now.parts.size === 0) return SAME;
  let flags = SAME;
  for (const [name, at] of now.parts) {
    if (!old.parts.has(name)) flags |= run.tell("all-of-added", place, at, ` ${name}`);
  }
  for (const [name, at] of old.parts) {
    if (!now.parts.has(name)) flags |= run.tell("all-of-removed", place, at, ` ${name}`);
  }
  return flags;
}
