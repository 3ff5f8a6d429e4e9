/** Everything of the bus that is control's: its secrets, its database, its configuration. */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { BusAdmin } from "@tideway/bus";
import type { PlatformCallerConfig } from "@tideway/gateway";
import { backoffMs, sleep } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { PLATFORM_CALLERS } from "@tideway/schema";
import type { Pool } from "@tideway/store";
import type { Logger } from "@tideway/telemetry";
import { authHashOf } from "@tideway/trust";
import type { ControlConfig } from "../config.ts";
import { createRepeatedErrors } from "../repeated-errors.ts";
import { ensureHexSecret } from "../secrets.ts";
import type { Wanted } from "../wanted.ts";
import { busAdmin } from "./bus-admin.ts";
import { buildBusConfig } from "./bus-config.ts";
import { prepareBusDatabase } from "./bus-database.ts";
import { createBusKeeper } from "./bus-keeper.ts";
import type { BusKeeper } from "./bus-keeper.ts";

export interface BusPart {
  readonly admin: BusAdmin;
  readonly keeper: BusKeeper;
  /** For the gateway's configuration. */
  readonly platformCallers: readonly PlatformCallerConfig[];
  /** With which control itself calls the platform's routes. */
  readonly controlSecret: string;
  offer(wanted: Wanted): void;
  close(): Promise<void>;
}

export interface BusPartOptions {
  readonly config: ControlConfig;
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The secrets are there when it resolves; the database is made beside the start, which need not wait. */
export async function startBusPart(options: BusPartOptions): Promise<BusPart> {
  const { config, pool, clock, logger } = options;
  const secrets = new Map<string, string>();
  for (const name of PLATFORM_CALLERS) {
    secrets.set(name, await ensureHexSecret(join(config.home, "secrets", `${name}.secret`)));
  }
  const admin = busAdmin(join(realpathSync(join(config.home, "run")), "bus.sock"));
  const keeper = createBusKeeper({ pool, admin, clock, logger });
  const ending = new AbortController();
  const preparing = prepareUntilDone(options, ending.signal);
  return {
    admin,
    keeper,
    platformCallers: PLATFORM_CALLERS.map((name) => {
      return { name, authHash: authHashOf(secrets.get(name) ?? "") };
    }),
    controlSecret: secrets.get("control") ?? "",
    offer: (wanted) => keeper.offer(buildBusConfig(wanted)),
    close: async () => {
      ending.abort();
      await Promise.all([preparing, keeper.settled()]);
      admin.close();
    },
  };
}

async function prepareUntilDone(options: BusPartOptions, signal: AbortSignal): Promise<void> {
  const { config, clock, logger } = options;
  const errors = createRepeatedErrors(logger, clock);
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await prepareBusDatabase(config);
      return;
    } catch (error) {
      errors.report("bus.database-failed", "bus", error);
      await sleep(500 + backoffMs(attempt, { baseMs: 500, maxMs: 10_000 }), signal);
    }
  }
}
