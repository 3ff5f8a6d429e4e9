/** Bounded waiting between tries: exponential, capped, with full jitter (AWS, "Exponential Backoff And Jitter"). */
export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** In [0, 1); a fake one makes a test exact. */
  readonly random?: () => number;
}

/** How long to wait before try number `attempt` (the first retry is 1). */
export function backoffMs(attempt: number, options: BackoffOptions): number {
  const ceiling = Math.min(options.maxMs, options.baseMs * 2 ** (attempt - 1));
  return Math.round((options.random ?? Math.random)() * ceiling);
}

/** Waits, unless `signal` fires first; then it returns early. Never rejects. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}

export interface UntilOptions {
  readonly deadlineMs: number;
  readonly intervalMs?: number;
  readonly what: string;
}

/** Asks again until `probe` answers something other than undefined or false, or the deadline passes. */
export async function until<T>(
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  options: UntilOptions,
): Promise<T> {
  const endsAt = performance.now() + options.deadlineMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > endsAt) {
      throw new Error(`Not within ${options.deadlineMs} ms: ${options.what}.`);
    }
    await sleep(options.intervalMs ?? 20);
  }
}
