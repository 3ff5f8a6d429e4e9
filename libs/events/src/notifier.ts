/**
 * Wakes the relay after commits: at once for the first, then at most once per 10 ms.
 *
 * A NOTIFY takes a lock that is one for the whole server until its transaction ends, so it never
 * rides in a business transaction, where it would make all commits queue up; it has one of its own,
 * which writes nothing that needs to reach the disk. A NOTIFY that is lost costs latency only: the
 * relay looks by itself every 200 ms.
 */
import type { Pool } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";

export const NOTIFY_EVERY_MS = 10;
export const OUTBOX_CHANNEL = "tideway_outbox";

export interface NotifierParts {
  readonly pool: Pool;
  readonly logger: Logger;
}

/** Answers the nudge. It returns at once; one NOTIFY is under way at a time, one more may wait. */
export function createNotifier({ pool, logger }: NotifierParts): () => void {
  let isBusy = false;
  let isWanted = false;
  const nudge = (): void => {
    if (isBusy) {
      isWanted = true;
      return;
    }
    isBusy = true;
    isWanted = false;
    const sentAtMs = performance.now();
    const onDone = (): void => {
      const restMs = Math.max(0, NOTIFY_EVERY_MS - (performance.now() - sentAtMs));
      const timer = setTimeout(() => {
        isBusy = false;
        if (isWanted) nudge();
      }, restMs);
      timer.unref();
    };
    pool.query(`notify ${OUTBOX_CHANNEL}`).then(onDone, (error: unknown) => {
      logger.debug("events.notify-failed", errorFields(error));
      onDone();
    });
  };
  return nudge;
}
