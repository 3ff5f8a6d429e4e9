import type { Pool } from "@tideway/store";
import type { Measures } from "../measures.ts";
import { RELEASE_BATCH_SIZE_MAX, releaseExpiredHolds } from "../store/release-holds.ts";

export const SWEEP_PAUSE_MS = 1_000;
const BATCHES_MAX = 20;

/**
 * Releases expired holds, at most 2,000 a run. Nothing depends on its speed: balances are shown and
 * limits are decided without them already.
 */
export async function sweepHolds(pool: Pool, measures: Measures): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    const released = await releaseExpiredHolds(pool);
    measures.released.inc(released);
    total += released;
    if (released < RELEASE_BATCH_SIZE_MAX) break;
  }
  return total;
}
