/**
 * Hands the newest state of each key to everybody who watches. A slow watcher misses states in
 * between but never the last one, so what waits for it is bounded by the number of keys.
 */
export interface StateFeed<T> {
  /** `state` replaces what a watcher has not taken yet under the same key. */
  publish(key: string, state: T): void;
  /** First what `present` answers, then each change, until the signal fires or the feed closes. */
  watch(present: () => Iterable<readonly [string, T]>, signal: AbortSignal): AsyncIterable<T>;
  close(): void;
}

interface Watcher<T> {
  /** In the order in which the keys changed first. */
  readonly waiting: Map<string, T>;
  wake: () => void;
}

export function createStateFeed<T>(): StateFeed<T> {
  const watchers = new Set<Watcher<T>>();
  const closing = new AbortController();

  async function* watch(
    present: () => Iterable<readonly [string, T]>,
    signal: AbortSignal,
  ): AsyncIterable<T> {
    const watcher: Watcher<T> = { waiting: new Map(present()), wake: () => undefined };
    const ended = AbortSignal.any([signal, closing.signal]);
    const onEnd = (): void => watcher.wake();
    ended.addEventListener("abort", onEnd, { once: true });
    watchers.add(watcher);
    try {
      while (!ended.aborted) {
        const next = watcher.waiting.entries().next();
        if (next.done === true) {
          await new Promise<void>((resolve) => {
            watcher.wake = resolve;
          });
          continue;
        }
        const [key, state] = next.value;
        watcher.waiting.delete(key);
        yield state;
      }
    } finally {
      watchers.delete(watcher);
      ended.removeEventListener("abort", onEnd);
    }
  }

  return {
    watch,
    publish(key, state) {
      for (const watcher of watchers) {
        watcher.waiting.set(key, state);
        watcher.wake();
      }
    },
    close: () => closing.abort(),
  };
}
