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
import { areSameSecrets, readSecrets } from "./secrets.ts";
import type { BusSecrets } from "./secrets.ts";

/** Between two looks for the secrets, and between two tries to start. */
const WAIT_MS = 100;
const RETRY_MS = 500;
/** Between two looks for secrets that control has changed. */
const SECRETS_EVERY_MS = 2_000;
/** A process that drains longer is ended; what it did not finish is done again. */
const DRAIN_MS_MAX = 15_000;

const logger = createLogger({ service: "bus" });
const ending = new AbortController();
let bus: Bus | null = null;
let chores: Chores | null = null;
let exitCode = 0;

process.on("uncaughtException", (error) => {
  logger.error("process.crashed", errorFields(error));
  process.exit(1);
});
process.once("SIGTERM", end);
process.once("SIGINT", end);

interface Started {
  readonly bus: Bus;
  readonly secrets: BusSecrets;
}

try {
  const home = setting("TIDEWAY_HOME");
  const internalUrl = setting("TIDEWAY_INTERNAL_URL");
  const started = await start(home, internalUrl);
  if (started !== null) {
    const { secrets } = started;
    bus = started.bus;
    chores = await startChores({ ...secrets, bus, internalUrl, clock: systemClock, logger });
    void endWithSecrets(home, secrets);
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
async function start(home: string, internalUrl: string): Promise<Started | null> {
  // Where the home is too deep for a socket, run/ is a link to a shorter path.
  const run = realpathSync(join(home, "run"));
  const gateway = gatewayAdmin(join(run, "gateway.sock"));
  const nats = readNatsSettings(process.env);
  // The passwords may be others by the next try.
  for (;;) {
    const secrets = await waitForSecrets(home);
    if (secrets === null) return null;
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
      return { bus: started, secrets };
    } catch (error) {
      if (isCoded(error, "BUS_NOT_DURABLE", "MIGRATION_ALTERED")) throw error;
      logger.warn("bus.not-started", errorFields(error));
      await sleep(RETRY_MS, ending.signal);
    }
  }
}

/**
 * Once control has changed a password or the secret, new connections are refused (28P01) though the
 * old ones last. So the process drains and ends, and the supervisor starts one that has read them.
 */
async function endWithSecrets(home: string, secrets: BusSecrets): Promise<void> {
  while (!ending.signal.aborted) {
    await sleep(SECRETS_EVERY_MS, ending.signal);
    const present = await readSecrets(home).catch(() => null);
    if (ending.signal.aborted || present === null || areSameSecrets(present, secrets)) continue;
    logger.warn("bus.secrets-changed", { pid: process.pid });
    exitCode = 1;
    end();
  }
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
    process.exit(exitCode);
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
