/** Forgets events and ticks that cannot come again. */
import type { Pool } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";

/** The bus must have forgotten an event before its consumers do, or it would be applied again. */
export const INBOX_KEPT_DAYS = 30;
export const JOB_TICKS_KEPT_DAYS = 7;
/** Past the rush of a start, before the shortest idle time is likely to be over. */
const PRUNE_FIRST_MS = 20_000;
const PRUNE_EVERY_MS = 600_000;
const BATCH_ROWS_MAX = 5_000;
/** At most a million rows a time, so it keeps up with 1,600 events a second. */
const BATCHES_MAX = 200;

export interface PruneParts {
  readonly pool: Pool;
  readonly logger: Logger;
}

/**
 * Prunes soon after the start, for services that never live long, and every ten minutes, without
 * keeping the process alive; the answer ends that.
 */
export function startPruning({ pool, logger }: PruneParts): () => void {
  const pruneNow = (): void => {
    prune(pool).catch((error: unknown) => logger.warn("events.prune-failed", errorFields(error)));
  };
  const first = setTimeout(pruneNow, PRUNE_FIRST_MS).unref();
  const timer = setInterval(pruneNow, PRUNE_EVERY_MS).unref();
  return () => {
    clearTimeout(first);
    clearInterval(timer);
  };
}

/** Deletes what is too old, in transactions of 5,000 rows; answers how many rows. */
export async function prune(pool: Pool): Promise<number> {
  const inbox = await inBatches(() => pruneInboxBatch(pool));
  return inbox + (await inBatches(() => pruneTicksBatch(pool)));
}

async function inBatches(pruneBatch: () => Promise<number>): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    const pruned = await pruneBatch();
    total += pruned;
    if (pruned < BATCH_ROWS_MAX) break;
  }
  return total;
}

async function pruneInboxBatch(pool: Pool): Promise<number> {
  const pruned = await pool.query(
    `delete from tideway.inbox where (event_id, replay) in (
       select event_id, replay from tideway.inbox
       where received_at < now() - make_interval(days => $1) order by received_at limit $2)`,
    [INBOX_KEPT_DAYS, BATCH_ROWS_MAX],
  );
  return pruned.rowCount ?? 0;
}

async function pruneTicksBatch(pool: Pool): Promise<number> {
  const pruned = await pool.query(
    `delete from tideway.job_ticks where (job, tick) in (
       select job, tick from tideway.job_ticks
       where tick < now() - make_interval(days => $1) order by tick limit $2)`,
    [JOB_TICKS_KEPT_DAYS, BATCH_ROWS_MAX],
  );
  return pruned.rowCount ?? 0;
}
