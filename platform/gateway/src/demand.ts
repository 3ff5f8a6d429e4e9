/**
 * How control learns at once that somebody waits for a revision which has no instance: it asks for
 * the next such moment and is answered when it comes, rather than at its next look 250 ms later.
 * The number says only that there was one more; what is wanted stands in the state.
 */
export class Demand {
  #count = 0;
  readonly #askers = new Set<() => void>();

  /** A request began to wait where there is no instance. */
  arose(): void {
    this.#count++;
    for (const answer of this.#askers) answer();
  }

  /** Resolves with the count as soon as it differs from `after`, or when `waitMs` are over. */
  next(after: number, waitMs: number): Promise<number> {
    if (this.#count !== after || this.#askers.size >= ASKERS_MAX) {
      return Promise.resolve(this.#count);
    }
    return new Promise((resolve) => {
      const answer = (): void => {
        clearTimeout(timer);
        this.#askers.delete(answer);
        resolve(this.#count);
      };
      const timer = setTimeout(answer, waitMs).unref();
      this.#askers.add(answer);
    });
  }
}

/** Control asks once at a time; more than this is a mistake and is not kept waiting. */
const ASKERS_MAX = 16;
