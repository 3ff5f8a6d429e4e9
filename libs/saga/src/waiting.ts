/** Waiting for sagas that somebody else carries on: one query a round for all who wait. */
import { sleep } from "@tideway/kernel";
import { uuidToId } from "@tideway/kernel";
import type { Pool } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { findOver } from "./store/read.ts";
import { SAGA_PREFIX } from "./store/rows.ts";

const LOOK_EVERY_MS = 50;

export interface Waiting {
  /** Comes back when the saga is over or the time is; never rejects. */
  untilOver(saga: string, timeoutMs: number): Promise<void>;
  /** Tells those who wait here at once. */
  tell(saga: string): void;
}

export function createWaiting(pool: Pool, logger: Logger, random: () => number): Waiting {
  const waiting = new Map<string, Set<() => void>>();
  let isLooking = false;

  const tell = (saga: string): void => {
    for (const wake of waiting.get(saga) ?? []) wake();
    waiting.delete(saga);
  };
  const look = async (): Promise<void> => {
    isLooking = true;
    while (waiting.size > 0) {
      await sleep(LOOK_EVERY_MS * (0.5 + random()));
      const over = await findOver(pool, [...waiting.keys()]).catch((error: unknown) => {
        logger.warn("saga.wait-failed", errorFields(error));
        return [];
      });
      for (const id of over) tell(uuidToId(SAGA_PREFIX, id));
    }
    isLooking = false;
  };
  return {
    tell,
    untilOver: async (saga, timeoutMs) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const all = waiting.get(saga) ?? new Set();
      waiting.set(saga, all.add(resolve));
      if (!isLooking) void look();
      const timer = setTimeout(resolve, timeoutMs);
      await promise;
      clearTimeout(timer);
      all.delete(resolve);
      if (all.size === 0 && waiting.get(saga) === all) waiting.delete(saga);
    },
  };
}
