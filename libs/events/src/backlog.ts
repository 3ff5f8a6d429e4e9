/**
 * Backpressure: when the relay is behind, work that would publish more is refused before it is
 * done, so that nothing has to be dropped. Bulk first, then normal; critical never.
 */
import type { SheddingClass } from "@tideway/schema";
import type { Pool } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";

/** Age of the oldest event in the outbox from which events of a class are refused. */
export const BACKLOG_SECONDS: Readonly<Record<SheddingClass, number>> = {
  bulk: 15,
  normal: 60,
  critical: Number.POSITIVE_INFINITY,
};
const LOOK_EVERY_MS = 1_000;

export interface BacklogOptions {
  readonly pool: Pool;
  readonly logger: Logger;
  /** Told after each look. */
  readonly onLook?: (ageSeconds: number) => void;
}

export interface Backlog {
  /** As of the last look, at most about a second ago. */
  ageSeconds(): number;
}

/**
 * Looks once a second, without keeping the process alive, until the pool is ended. While the
 * database does not answer the last age stays: then nothing can be published anyway.
 */
export function watchBacklog({ pool, logger, onLook }: BacklogOptions): Backlog {
  let ageSeconds = 0;
  let isLooking = false;
  const look = async (): Promise<void> => {
    isLooking = true;
    try {
      ageSeconds = await readBacklogSeconds(pool);
      onLook?.(ageSeconds);
    } catch (error) {
      logger.debug("events.backlog-unknown", errorFields(error));
    } finally {
      isLooking = false;
    }
  };
  const timer = setInterval(() => {
    if (pool.ending) clearInterval(timer);
    else if (!isLooking) void look();
  }, LOOK_EVERY_MS);
  timer.unref();
  return { ageSeconds: () => ageSeconds };
}

/** Seconds that the oldest event has waited, by the database's clock; 0 for an empty outbox. */
export async function readBacklogSeconds(pool: Pool): Promise<number> {
  const found = await pool.query<{ age: number }>(
    `select extract(epoch from clock_timestamp() - at)::float8 as age
     from tideway.outbox order by id limit 1`,
  );
  return Math.max(0, found.rows[0]?.age ?? 0);
}
