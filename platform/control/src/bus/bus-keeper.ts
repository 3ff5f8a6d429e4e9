/**
 * Keeps the bus's configuration what it should be. Each pass of the conductor offers what is wanted;
 * it is sent when it changed, or when the bus has another epoch than the one we gave. A bus that is
 * away is asked again and again and holds nobody up: it goes on with the last configuration.
 */
import type { BusAdmin, BusConfig } from "@tideway/bus";
import { isCoded } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { canonicalJson } from "@tideway/schema";
import type { Pool } from "@tideway/store";
import type { Logger } from "@tideway/telemetry";
import { createRepeatedErrors } from "../repeated-errors.ts";
import { nextEpoch } from "../store/epoch.ts";
import { healthOf } from "./bus-admin.ts";
import type { BusHealth } from "./bus-admin.ts";

export interface BusKeeperOptions {
  readonly pool: Pool;
  readonly admin: Pick<BusAdmin, "health" | "putConfig">;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface BusKeeper {
  /** What it said last; null while it does not answer. */
  readonly health: BusHealth | null;
  /** Takes note and returns at once; the work goes on beside it, one piece at a time. */
  offer(config: Omit<BusConfig, "epoch">): void;
  /** Resolves when the piece of work under way is done. */
  settled(): Promise<void>;
}

const LOOK_EVERY_MS = 1_000;
/** While it is away or has no configuration yet: an installation that starts waits for it. */
const LOOK_FOR_EVERY_MS = 200;

export function createBusKeeper(options: BusKeeperOptions): BusKeeper {
  const { pool, admin, clock, logger } = options;
  const errors = createRepeatedErrors(logger, clock);
  let health: BusHealth | null = null;
  let pushed: { readonly text: string; readonly epoch: number } | null = null;
  /** The epoch that the bus answered when it refused ours. */
  let refusedBy = 0;
  let lookedAtMs = -Infinity;
  let working: Promise<void> | null = null;

  const work = async (config: Omit<BusConfig, "epoch">, text: string): Promise<void> => {
    const now = await healthOf(admin);
    health = now;
    if (now === null || (pushed?.text === text && pushed.epoch === now.epoch)) return;
    try {
      const epoch = await nextEpoch(pool, Math.max(now.epoch, refusedBy));
      await admin.putConfig({ ...config, epoch });
      pushed = { text, epoch };
      health = { status: "ok", epoch };
      errors.clear("bus");
      logger.info("bus.configured", { epoch });
    } catch (error) {
      refusedBy = isCoded(error) ? Number(error.given["current"] ?? 0) || 0 : 0;
      errors.report("bus.configure-failed", "bus", error);
    }
  };

  return {
    get health() {
      return health;
    },
    offer: (config) => {
      if (working !== null) return;
      const text = canonicalJson(config);
      const nowMs = clock.monotonic();
      const isChanged = health !== null && pushed?.text !== text;
      const everyMs = health?.status === "ok" ? LOOK_EVERY_MS : LOOK_FOR_EVERY_MS;
      if (!isChanged && nowMs - lookedAtMs < everyMs) return;
      lookedAtMs = nowMs;
      working = work(config, text).finally(() => (working = null));
    },
    settled: async () => {
      await working;
    },
  };
}
