/** Random choices that a seed repeats; the generator is mulberry32, 32 bits of state. */
export interface Seeded {
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number;
  chance(share: number): boolean;
  pick<T>(items: readonly T[]): T;
  shuffled<T>(items: readonly T[]): T[];
  /** Deals items as from shuffled decks: each comes once before any comes again. */
  dealer<T>(items: readonly T[]): () => T;
}

export function seeded(seed: number): Seeded {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  const pick = <T>(items: readonly T[]): T => {
    const item = items[between(0, items.length - 1)];
    if (item === undefined) throw new Error("There is nothing to pick from.");
    return item;
  };
  const shuffled = <T>(items: readonly T[]): T[] => {
    const rest = [...items];
    const mixed: T[] = [];
    while (rest.length > 0) mixed.push(...rest.splice(between(0, rest.length - 1), 1));
    return mixed;
  };
  return {
    between,
    pick,
    chance: (share) => next() < share,
    shuffled,
    dealer: <T>(items: readonly T[]) => {
      let deck: T[] = [];
      return () => {
        if (deck.length === 0) deck = shuffled(items);
        const [item] = deck.splice(0, 1);
        if (item === undefined) throw new Error("There is nothing to deal.");
        return item;
      };
    },
  };
}
