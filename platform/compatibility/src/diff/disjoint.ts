/**
 * Whether no value can fit two shapes: proved by types, by listed values, or by a required
 * property.
 */
import type { Comparison } from "./comparison.ts";
import { shared } from "./kinds.ts";
import type { Shape } from "./shape.ts";

/** Properties inside properties that are looked at for a difference. */
const DEPTH_MAX = 3;

export function areDisjoint(run: Comparison, one: Shape, other: Shape, depth = 0): boolean {
  const common = shared(one.kinds, other.kinds);
  if (common.length === 0) return true;
  if (one.values !== undefined && other.values !== undefined) {
    return ![...one.values.keys()].some((spelling) => other.values?.has(spelling));
  }
  if (common.some((kind) => kind !== "object") || depth >= DEPTH_MAX) return false;
  // Required by one and impossible for the other, or required by both and different.
  const names = new Set([...one.required.keys(), ...other.required.keys()]);
  return [...names].some((name) => {
    const left = run.shape(one.propertyOf(name), one.at);
    const right = run.shape(other.propertyOf(name), other.at);
    if (left.unions.length > 0 || right.unions.length > 0) return false;
    const inBoth = one.required.has(name) && other.required.has(name);
    if (inBoth) return areDisjoint(run, left, right, depth + 1);
    return one.required.has(name) ? right.kinds.size === 0 : left.kinds.size === 0;
  });
}
