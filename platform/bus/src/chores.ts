/** What the bus does beside delivering: jobs at their ticks, and waking services with due work. */
import type { Clock } from "@tideway/kernel";
import type { Logger } from "@tideway/telemetry";
import type { Bus } from "./bus.ts";
import { startCron } from "./cron/cron-runner.ts";
import { startDueWatch } from "./due/due-watch.ts";
import { platformCaller } from "./due/platform-call.ts";

export interface ChoresOptions {
  readonly bus: Bus;
  readonly relayUrl: string;
  readonly internalUrl: string;
  readonly secret: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Chores {
  stop(): Promise<void>;
}

/** Begins both; each follows the bus's configuration. */
export async function startChores(options: ChoresOptions): Promise<Chores> {
  const { bus, clock, logger, internalUrl, secret, relayUrl } = options;
  const caller = platformCaller({ internalUrl, secret });
  const cron = await startCron({ database: bus.pool, caller, clock, logger });
  const due = startDueWatch({ relayUrl, caller, clock, logger });
  const unfollow = bus.config.follow(({ services }) => {
    cron.configure(services);
    due.configure(services);
  });
  return {
    stop: async () => {
      unfollow();
      await Promise.all([cron.stop(), due.stop()]);
      await caller.close();
    },
  };
}
