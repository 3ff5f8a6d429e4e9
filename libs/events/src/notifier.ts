/**
 * Wakes the relay after commits: at once for the first, then at most once per 10 ms. While commits
 * keep coming the pause doubles, up to 40 ms: a wake-up costs as much for twenty events as for one,
 * and with so many commits that is a good part of what they cost (as network cards moderate their
 * interrupts). After a pause in which nothing came it is 10 ms again.
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
export const NOTIFY_EVERY_MS_MAX = 40;
export const OUTBOX_CHANNEL = "tideway_outbox";

export interface NotifierParts {
  readonly pool: Pool;
  readonly logger: Logger;
}

/** Answers the nudge. It returns at once; one NOTIFY is under way at a time, one more may wait. */
export function createNotifier({ pool, logger }: NotifierParts): () => void {
  let isBusy = false;
  let isWanted = false;
  let pauseMs = NOTIFY_EVERY_MS;
  const nudge = (): void => {
    if (isBusy) {
      isWanted = true;
      return;
    }
    isBusy = true;
    isWanted = false;
    const sentAtMs = performance.now();
    const onDone = (): void => {
      const restMs = Math.max(0, pauseMs - (performance.now() - sentAtMs));
      const timer = setTimeout(() => {
        isBusy = false;
        pauseMs = isWanted ? Math.min(pauseMs * 2, NOTIFY_EVERY_MS_MAX) : NOTIFY_EVERY_MS;
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
