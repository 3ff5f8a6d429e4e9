/** The database's clock, followed by a clock of our own that only grows. Ours is never asked the time. */
import type { Clock } from "@tideway/kernel";

export interface DatabaseClock {
  /** Milliseconds since 1970 by the database, as far as we know. */
  nowMs(): number;
  /** Notes what the database's clock said at a moment of ours (`monotonicMs`). */
  note(databaseMs: number, monotonicMs?: number): void;
}

export function createDatabaseClock(clock: Clock): DatabaseClock {
  let offsetMs = clock.now() - clock.monotonic();
  return {
    nowMs: () => offsetMs + clock.monotonic(),
    note: (databaseMs, monotonicMs = clock.monotonic()) => {
      offsetMs = databaseMs - monotonicMs;
    },
  };
}
