/** The random choices of one simulated run; the generator is mulberry32, as in test/system. */
import { seeded } from "../../system/seeded.ts";
import type { Seeded } from "../../system/seeded.ts";

export interface SimRandom extends Seeded {
  /** Milliseconds from `min` to `max` with a resolution of a microsecond. */
  ms(min: number, max: number): number;
}

export function simRandom(seed: number): SimRandom {
  const base = seeded(seed);
  // The first values of neighbouring seeds resemble each other.
  for (let i = 0; i < 4; i++) base.chance(0.5);
  return {
    ...base,
    ms: (min, max) => base.between(Math.round(min * 1_000), Math.round(max * 1_000)) / 1_000,
  };
}
