/**
 * People whose requests are as skewed as real ones: the k-th most active asks in proportion to
 * 1 / k^exponent (Zipf). Drawing one takes constant time by Walker's alias method: each slot holds
 * two people and the share of the first, so that all slots are equally likely.
 */
import type { Random } from "./random.ts";

export interface Crowd {
  readonly size: number;
  /** Who asks next, from 0 to size - 1. */
  next(random: Random): number;
}

/** A crowd of `size` people; exponent 0 makes all equally active, 1 is the usual skew. */
export function createCrowd(size: number, exponent: number): Crowd {
  const activity = Array.from({ length: size }, (_, k) => 1 / (k + 1) ** exponent);
  const sum = activity.reduce((total, one) => total + one, 0);
  const share = activity.map((one) => (one / sum) * size);
  const alias = new Int32Array(size);
  const own = new Float64Array(size).fill(1);
  const small = indexes(share, (one) => one < 1);
  const large = indexes(share, (one) => one >= 1);
  for (;;) {
    const less = small.pop();
    const more = large.at(-1);
    // What is left over has exactly one share, up to rounding, and keeps its slot for itself.
    if (less === undefined || more === undefined) break;
    const lessShare = share[less] ?? 0;
    own[less] = lessShare;
    alias[less] = more;
    const rest = (share[more] ?? 0) - (1 - lessShare);
    share[more] = rest;
    if (rest < 1) {
      large.pop();
      small.push(more);
    }
  }
  return {
    size,
    next: (random) => {
      const place = random() * size;
      const slot = Math.floor(place);
      return place - slot < (own[slot] ?? 1) ? slot : (alias[slot] ?? slot);
    },
  };
}

function indexes(values: readonly number[], isWanted: (value: number) => boolean): number[] {
  return values.flatMap((value, i) => (isWanted(value) ? [i] : []));
}
