/** Lets a bounded number of pieces of work run at once; the others wait in the order they came. */
export function createSlots(slotsMax: number): <T>(work: () => Promise<T>) => Promise<T> {
  let used = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    // Whoever leaves hands the slot on, so that nobody who comes now is first.
    if (used >= slotsMax) await new Promise<void>((resolve) => waiting.push(resolve));
    else used++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) used--;
      else next();
    }
  };
}
