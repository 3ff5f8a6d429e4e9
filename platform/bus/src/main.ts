/** The bus as a process: waits for what control writes, runs until SIGTERM. */
import { gatewayAdmin } from "@tideway/gateway";
import { isCoded, sleep, systemClock } from "@tideway/kernel";
import { createLogger, errorFields } from "@tideway/telemetry";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { startBus } from "./bus.ts";
import type { Bus } from "./bus.ts";
import { startChores } from "./chores.ts";
import type { Chores } from "./chores.ts";
import { natsCarrier } from "./nats/nats-carrier.ts";
import { readNatsSettings } from "./nats/nats-settings.ts";
import { readSecrets } from "./secrets.ts";
import type { BusSecrets } from "./secrets.ts";

/** Between two looks for the secrets, and between two tries to start. */
const WAIT_MS = 100;
const RETRY_MS = 500;
/** A process that drains longer is ended; what it did not finish is done again. */
const DRAIN_MS_MAX = 15_000;

const logger = createLogger({ service: "bus" });
const ending = new AbortController();
let bus: Bus | null = null;
let chores: Chores | null = null;

process.on("uncaughtException", (error) => {
  logger.error("process.crashed", errorFields(error));
  process.exit(1);
});
process.once("SIGTERM", end);
process.once("SIGINT", end);

try {
  const home = setting("TIDEWAY_HOME");
  const internalUrl = setting("TIDEWAY_INTERNAL_URL");
  const secrets = await waitForSecrets(home);
  bus = secrets === null ? null : await start(home, internalUrl, secrets);
  if (bus !== null && secrets !== null) {
    chores = await startChores({ ...secrets, bus, internalUrl, clock: systemClock, logger });
  }
  if (ending.signal.aborted) await stop();
  bus?.lost.addEventListener("abort", fenced);
  if (bus?.lost.aborted === true) fenced();
} catch (error) {
  logger.error("bus.fatal", errorFields(error));
  process.exit(1);
}

async function waitForSecrets(home: string): Promise<BusSecrets | null> {
  while (!ending.signal.aborted) {
    const secrets = await readSecrets(home);
    if (secrets !== null) return secrets;
    await sleep(WAIT_MS, ending.signal);
  }
  return null;
}

/** PostgreSQL may be coming up, or the bus before this one still have its lease. */
async function start(home: string, internalUrl: string, secrets: BusSecrets): Promise<Bus | null> {
  // Where the home is too deep for a socket, run/ is a link to a shorter path.
  const run = realpathSync(join(home, "run"));
  const gateway = gatewayAdmin(join(run, "gateway.sock"));
  const nats = readNatsSettings(process.env);
  while (!ending.signal.aborted) {
    try {
      const started = await startBus({
        ...secrets,
        internalUrl,
        splits: () => gateway.splits(),
        adminSocket: join(run, "bus.sock"),
        clock: systemClock,
        logger,
        isUnsafe: process.env["TIDEWAY_UNSAFE"] === "1",
        ...(nats === null
          ? {}
          : { carrier: () => natsCarrier({ ...nats, prefix: "tideway", logger }) }),
      });
      logger.info("bus.started", { pid: process.pid, fence: String(started.fence) });
      return started;
    } catch (error) {
      if (isCoded(error, "BUS_NOT_DURABLE", "MIGRATION_ALTERED")) throw error;
      logger.warn("bus.not-started", errorFields(error));
      await sleep(RETRY_MS, ending.signal);
    }
  }
  return null;
}

/** Nothing is written any more; the supervisor starts the next one, which waits for the lease. */
function fenced(): void {
  logger.error("bus.fenced", { fence: String(bus?.fence) });
  process.exit(1);
}

function end(): void {
  ending.abort();
  setTimeout(() => process.exit(1), DRAIN_MS_MAX).unref();
  if (bus !== null) void stop();
}

async function stop(): Promise<void> {
  try {
    await chores?.stop();
    await bus?.close();
    process.exit(0);
  } catch (error) {
    logger.error("bus.stop-failed", errorFields(error));
    process.exit(1);
  }
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set.`);
  return value;
}
