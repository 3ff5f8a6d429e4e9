/** Waiting between tries, as pure functions: the randomness comes in as a number in [0, 1). */

/** Doubles from `baseMs` up to `maxMs`; the upper half of it is jitter. */
export function backoffOf(
  attempt: number,
  limits: { readonly baseMs: number; readonly maxMs: number },
  jitter: number,
): number {
  const ceiling = Math.min(limits.maxMs, limits.baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling * (0.5 + jitter / 2));
}
