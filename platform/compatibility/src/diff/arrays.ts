/** Compares arrays item by item: the places of a tuple, then everything behind them. */
import { inside } from "./comparison.ts";
import type { Comparison, Place } from "./comparison.ts";
import type { Shape } from "./shape.ts";
import { SAME } from "../rules/rules.ts";

export function relateArrays(run: Comparison, old: Shape, now: Shape, place: Place): number {
  let flags = SAME;
  if (old.unique !== undefined && now.unique === undefined) {
    flags |= run.tell("unique-items-removed", place, old.unique);
  }
  if (now.unique !== undefined && old.unique === undefined) {
    flags |= run.tell("unique-items-added", place, now.unique);
  }
  const length = Math.max(old.prefix.length, now.prefix.length);
  for (let index = 0; index < length; index += 1) {
    const was = old.prefix[index] ?? old.items;
    const is = now.prefix[index] ?? now.items;
    flags |= run.relate(was, is, inside(place, "[]"));
  }
  return flags | run.relate(old.items, now.items, inside(place, "[]"));
}
