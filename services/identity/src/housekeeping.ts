/** What is done now and then: the next signing key in time, and rows that are over forgotten. */
import type { Logger } from "@tideway/telemetry";
import { errorFields } from "@tideway/telemetry";
import type { Dependencies } from "./dependencies.ts";
import { FAILURES_FORGOTTEN_MS } from "./domain/throttle.ts";
import { sweepRefreshTokens, sweepSessions } from "./store/sessions.ts";
import { sweepFailures } from "./store/sign-in-failures.ts";

const EVERY_MS = 600_000;
const ROWS_MAX = 5_000;
/** Per round and table, so that what is swept keeps up with what is over. */
const BATCHES_MAX = 100;
/** An ended session is kept a day, for looking into what happened. */
const ENDED_KEPT_MS = 86_400_000;

export interface Housekeeping {
  stop(): Promise<void>;
}

export function startHousekeeping(deps: Dependencies, logger: Logger): Housekeeping {
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = keepHouse(deps).catch((error: unknown) => {
      logger.warn("housekeeping.failed", errorFields(error));
    });
  }, EVERY_MS).unref();
  return {
    stop: () => {
      clearInterval(timer);
      return running;
    },
  };
}

/** One round: at most 500,000 rows of each table, 5,000 a statement. */
export async function keepHouse({ pool, clock, keys }: Dependencies): Promise<void> {
  const nowMs = clock.now();
  const endedBeforeMs = nowMs - ENDED_KEPT_MS;
  const lastBeforeMs = nowMs - FAILURES_FORGOTTEN_MS;
  const rowsMax = ROWS_MAX;
  await keys.refresh();
  await sweepAll(() => sweepRefreshTokens(pool, { nowMs, rowsMax }));
  await sweepAll(() => sweepSessions(pool, { nowMs, endedBeforeMs, rowsMax }));
  await sweepAll(() => sweepFailures(pool, { lastBeforeMs, rowsMax }));
}

async function sweepAll(sweepBatch: () => Promise<number>): Promise<void> {
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    if ((await sweepBatch()) < ROWS_MAX) return;
  }
}
