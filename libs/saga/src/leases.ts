/** The leases that this instance holds, and the one heartbeat that renews all of them. */
import type { Clock } from "@tideway/kernel";
import type { Pool } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { stepLease } from "./machine/lease.ts";
import type { LeaseState } from "./machine/lease.ts";
import { renewLeases } from "./store/upkeep.ts";
import { uuidOf } from "./store/write.ts";

const BEAT_EVERY_MS = 500;

export interface LeasesOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly owner: string;
}

export interface Leases {
  /** Takes up a lease that was claimed under `fence`, by a statement sent at `sentAtMs` (monotonic). */
  hold(saga: string, fence: number, sentAtMs: number): AbortSignal;
  /** Forgets it: it was given back, or lost. */
  drop(saga: string, fence: number): void;
  start(): void;
  stop(): void;
}

interface Entry {
  state: LeaseState;
  readonly fence: number;
  readonly lost: AbortController;
}

export function createLeases({ pool, clock, logger, owner }: LeasesOptions): Leases {
  const entries = new Map<string, Entry>();
  let timer: NodeJS.Timeout | undefined;

  const apply = (saga: string, entry: Entry, input: Parameters<typeof stepLease>[1]): boolean => {
    const { state, effects } = stepLease(entry.state, input);
    entry.state = state;
    if (effects.some(({ kind }) => kind === "stop")) {
      logger.warn("saga.lease-lost", { saga, fence: entry.fence });
      entry.lost.abort(new Error("The lease on the saga was lost."));
    }
    return effects.some(({ kind }) => kind === "renew");
  };
  const beat = async (): Promise<void> => {
    const nowMs = clock.monotonic();
    const due = [...entries].filter(([saga, entry]) => apply(saga, entry, { kind: "tick", nowMs }));
    if (due.length === 0) return;
    const held = due.map(([saga, { fence }]) => ({ saga, fence }));
    try {
      const renewed = await renewLeases(pool, owner, held);
      for (const [saga, entry] of due) {
        apply(saga, entry, { kind: renewed.has(uuidOf(saga)) ? "renewed" : "fenced" });
      }
    } catch (error) {
      logger.warn("saga.renewal-failed", errorFields(error));
      for (const [saga, entry] of due) apply(saga, entry, { kind: "unknown" });
    }
  };
  return {
    hold: (saga, fence, sentAtMs) => {
      const lost = new AbortController();
      if ((entries.get(saga)?.fence ?? 0) > fence) {
        // A newer claim of our own overtook this one.
        lost.abort(new Error("The lease on the saga was lost."));
        return lost.signal;
      }
      const claiming: LeaseState = { kind: "claiming", sentAtMs };
      const { state } = stepLease(claiming, { kind: "claimed", fence });
      entries.set(saga, { state, fence, lost });
      return lost.signal;
    },
    drop: (saga, fence) => {
      if (entries.get(saga)?.fence === fence) entries.delete(saga);
    },
    start: () => {
      // Also while a renewal hangs: that a lease is over must be noticed then above all. Each lease
      // has one renewal under way at most.
      timer = setInterval(() => void beat(), BEAT_EVERY_MS).unref();
    },
    stop: () => clearInterval(timer),
  };
}
