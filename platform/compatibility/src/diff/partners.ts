/** Finds which alternative another one became: by name, by what tells it apart, by likeness. */
import type { Alternative } from "./alternatives.ts";
import { shared } from "./kinds.ts";

interface Wish {
  /** Those that have no partner either are taken first. */
  readonly preferred: ReadonlySet<number>;
  /** True when there is one of each left, which then belong together whatever they look like. */
  readonly only: boolean;
}

/** The index of the likeliest partner, or undefined when none is like it. */
export function bestPartner(
  one: Alternative,
  others: readonly Alternative[],
  { preferred, only }: Wish,
): number | undefined {
  const [left] = preferred;
  if (only && left !== undefined) return left;
  let best: number | undefined;
  let bestScore = 0;
  for (const [index, other] of others.entries()) {
    const score = likeness(one, other) + (preferred.has(index) ? 1 : 0);
    const isLike = likeness(one, other) > 0;
    if (isLike && score > bestScore) [best, bestScore] = [index, score];
  }
  return best;
}

function likeness(one: Alternative, other: Alternative): number {
  if (one.name !== undefined && one.name === other.name) return 1_000;
  if (shared(one.shape.kinds, other.shape.kinds).length === 0) return 0;
  // Two names stand for two things, however alike.
  if (one.name !== undefined && other.name !== undefined) return 0;
  const names = new Set(one.shape.properties.keys());
  const common = [...other.shape.properties.keys()].filter((name) => names.has(name)).length;
  const all = new Set([...names, ...other.shape.properties.keys()]).size;
  if (all === 0) return 5;
  return common === 0 ? 0 : 10 + (80 * common) / all;
}
