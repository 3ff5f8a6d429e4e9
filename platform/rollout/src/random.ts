/**
 * Reproducible random numbers for the simulation: xoshiro128** (Blackman and Vigna), whose four
 * 32-bit words are filled from one seed by mixing a counter. Not for secrets.
 */
export type Random = () => number;

/** A generator of numbers in [0, 1), the same ones for the same seed. */
export function seededRandom(seed: number): Random {
  let counter = seed | 0;
  const fill = (): number => {
    counter = (counter + 0x9e3779b9) | 0;
    let word = counter;
    word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return word ^ (word >>> 16);
  };
  let a = fill();
  let b = fill();
  let c = fill();
  let d = fill();
  return () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result / 4_294_967_296;
  };
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
