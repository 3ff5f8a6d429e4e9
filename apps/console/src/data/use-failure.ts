import { useState } from "react";

interface Asked {
  readonly data: unknown;
  readonly error: unknown;
}

/**
 * Why there is nothing to show yet; null while nothing failed. What failed is asked for again by
 * itself, and meanwhile the query knows of no error: without this a page would blink between the
 * failure and its skeleton. Mount anew (by a key) whoever asks for something else.
 */
export function useFailure({ data, error }: Asked): unknown {
  const [last, setLast] = useState<unknown>(null);
  // With data there is nothing to explain, also while a refetch of it fails.
  const next = data === undefined ? (error ?? last) : null;
  if (next !== last) setLast(next);
  return next;
}
