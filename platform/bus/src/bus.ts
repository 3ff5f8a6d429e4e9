/** The bus, put together: who owns it, the log, the relays, the deliveries, the admin socket. */
import { migrate } from "@tideway/store";
import type { Pool } from "@tideway/store";
import type { SplitsPage } from "@tideway/gateway";
import type { Clock } from "@tideway/kernel";
import { createMetrics, errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { fileURLToPath } from "node:url";
import { startAdmin } from "./admin/admin-server.ts";
import { busActions } from "./admin/actions.ts";
import type { BusActions } from "./admin/actions.ts";
import { registerMetrics } from "./admin/bus-metrics.ts";
import type { Carrier, Durability } from "./carrier.ts";
import type { BusConfig } from "./config.ts";
import { ConfigStore } from "./config-store.ts";
import { cursorSaver } from "./delivery/cursor-saver.ts";
import { Deliveries } from "./delivery/deliveries.ts";
import { createTransport } from "./delivery/transport.ts";
import { Urgencies } from "./delivery/urgency.ts";
import { busErrors } from "./errors.ts";
import type { DeliveryOptions } from "./machine/delivery-types.ts";
import { takeOwnership } from "./ownership.ts";
import type { Ownership } from "./ownership.ts";
import { databaseDurability, openBusPool, postgresCarrier } from "./postgres-carrier.ts";
import { appendQueue } from "./relay/append-queue.ts";
import { Relays } from "./relay/relays.ts";
import { watchSplits } from "./splits.ts";

export interface BusOptions {
  /** Of the bus's own database, by the login that owns it. */
  readonly busUrl: string;
  /** The relay login's address; the database part is replaced by each service's. */
  readonly relayUrl: string;
  /** The gateway's internal listener, and the bus's secret towards it. */
  readonly internalUrl: string;
  readonly secret: string;
  readonly splits: () => Promise<SplitsPage>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where to listen for control; nowhere when left out. */
  readonly adminSocket?: string;
  /** Another log than our own database. */
  readonly carrier?: () => Promise<Carrier>;
  /** Runs on a database that may lose what it acknowledged. */
  readonly isUnsafe?: boolean;
  /** How long to wait for another bus's lease. Default 30 s. */
  readonly ownershipWaitMs?: number;
  readonly takesOver?: true | undefined;
  readonly random?: () => number;
  readonly tuning?: Partial<Omit<DeliveryOptions, "laneOf" | "partitions">>;
  /** How long the log keeps what everybody has completed. Default 7 days. */
  readonly retentionMs?: number;
}

export interface Bus extends BusActions {
  readonly fence: bigint;
  /** In Prometheus' format. */
  metricsText(): Promise<string>;
  readonly pool: Pool;
  /** Aborts once another bus has taken over; nothing is written any more then. */
  readonly lost: AbortSignal;
  /** The last configuration, and whoever wants to hear of the next ones. */
  readonly config: ConfigStore;
  /** Finishes what is under way, writes the cursors down, gives the lease back. */
  close(): Promise<void>;
}

const MIGRATIONS = fileURLToPath(new URL("../migrations", import.meta.url));
const OWNERSHIP_WAIT_MS = 30_000;
export const RETENTION_MS = 7 * 86_400_000;
const PRUNE_EVERY_MS = 3_600_000;

/**
 * Starts the bus. Throws BUS_OWNED while another one has the lease, BUS_NOT_DURABLE on a database
 * that may lose acknowledged events.
 */
export async function startBus(options: BusOptions): Promise<Bus> {
  const { logger, clock } = options;
  await migrate({ url: options.busUrl, folder: MIGRATIONS });
  const pool = openBusPool(options.busUrl, (error) =>
    logger.warn("database.connection-lost", { message: error.message }),
  );
  try {
    const database = await refuseForgetful(options, pool);
    const ownership = await takeOwnership({
      pool,
      logger,
      owner: `pid ${process.pid}`,
      waitMs: options.ownershipWaitMs ?? OWNERSHIP_WAIT_MS,
      ...(options.takesOver === true ? { takesOver: true } : {}),
    });
    const carrier = await openCarrier(options, pool, ownership);
    const durability = await tellDurability(carrier, database, logger);
    return await assemble(options, { pool, ownership, carrier, durability, clock, logger });
  } catch (error) {
    await pool.end();
    throw error;
  }
}

/** Cursors and parked events are in our own database whatever carries the log. */
async function refuseForgetful(options: BusOptions, pool: Pool): Promise<Durability> {
  const durability = await databaseDurability(pool);
  const { isDurable, settings } = durability;
  if (isDurable || options.isUnsafe === true) return durability;
  const text = Object.entries(settings).map(([name, value]) => `${name} is ${value}`);
  throw busErrors.error("BUS_NOT_DURABLE", { given: { settings: text.join(", ") } });
}

interface Base {
  readonly pool: Pool;
  readonly ownership: Ownership;
  readonly carrier: Carrier;
  readonly durability: Durability;
  readonly clock: Clock;
  readonly logger: Logger;
}

async function openCarrier(
  options: BusOptions,
  pool: Pool,
  { fence }: Ownership,
): Promise<Carrier> {
  return (
    (await options.carrier?.()) ??
    (await postgresCarrier({ pool, fence, now: () => options.clock.now() }))
  );
}

/**
 * Says what survives what. A log that may forget is told loudly and everywhere, not refused: what
 * its servers' disks and power supplies are worth is the operator's knowledge.
 */
async function tellDurability(
  carrier: Carrier,
  database: Durability,
  logger: Logger,
): Promise<Durability> {
  const log = await carrier.durability();
  const told = log.isDurable && !database.isDurable ? database : log;
  const { sentence, isDurable, settings } = told;
  logger[isDurable ? "info" : "warn"]("bus.durability", { sentence, isDurable, ...settings });
  return told;
}

async function assemble(options: BusOptions, base: Base): Promise<Bus> {
  const { pool, ownership, clock, logger } = base;
  const parts = createParts(options, base);
  const { config, apply, lost } = parts;
  const last = await config.load();
  if (last !== null) await apply(last);
  const { isDurable, sentence } = base.durability;
  const durability = { isDurable, sentence };
  const actions = busActions({ ...parts, clock, logger, durability });
  const metrics = createMetrics("bus");
  const { relays } = parts;
  const refresh = registerMetrics(metrics, {
    relays,
    groups: () => actions.countedGroups(),
    durability,
  });
  const metricsText = async (): Promise<string> => {
    await refresh();
    return metrics.registry.metrics();
  };
  const admin =
    options.adminSocket === undefined
      ? null
      : await startAdmin(options.adminSocket, { actions, metricsText, logger });
  const pruning = keepPruned(base, parts.deliveries, options.retentionMs ?? RETENTION_MS);
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    clearInterval(pruning);
    await new Promise<void>((resolve) =>
      admin === null ? resolve() : admin.close(() => resolve()),
    );
    await endParts(parts);
    await ownership.release();
    await pool.end();
  };
  return {
    ...actions,
    metricsText,
    fence: ownership.fence,
    pool,
    lost: lost.signal,
    config,
    close: () => (closing ??= close()),
  };
}

function createParts(options: BusOptions, base: Base) {
  const { pool, ownership, carrier, clock, logger } = base;
  const lost = new AbortController();
  const onFenced = (): void => lost.abort();
  ownership.lost.addEventListener("abort", onFenced, { once: true });
  const writer = { pool, fence: ownership.fence };
  const common = { clock, logger, random: options.random ?? Math.random, onFenced };
  const urgencies = new Urgencies();
  const transport = createTransport({ ...options, urgencies });
  const cursors = cursorSaver({ writer, logger, onFenced });
  const splits = watchSplits({
    ask: options.splits,
    onSplits: () => deliveries.tellSplits(),
    logger,
  });
  const deliveries = new Deliveries({
    ...common,
    writer,
    carrier,
    transport,
    cursors,
    refreshSplits: splits.refresh,
    splitOf: splits.of,
    areSplitsKnown: () => splits.isKnown,
    ...(options.tuning === undefined ? {} : { tuning: options.tuning }),
  });
  const relays = new Relays({
    ...common,
    relayUrl: options.relayUrl,
    append: appendQueue(carrier),
    handOver: (events) => deliveries.handOver(events),
  });
  const config = new ConfigStore(writer);
  const apply = async (next: BusConfig): Promise<void> => {
    urgencies.configure(next);
    relays.configure(next);
    await deliveries.configure(next);
    splits.refresh();
  };
  return { writer, carrier, transport, cursors, splits, deliveries, relays, config, apply, lost };
}

/** What comes in ends first, then what goes out; who was overtaken writes nothing any more. */
async function endParts(parts: ReturnType<typeof createParts>): Promise<void> {
  const { relays, splits, deliveries, cursors, lost } = parts;
  await relays.stop();
  splits.close();
  if (lost.signal.aborted) deliveries.abandon();
  else await deliveries.stop();
  if (!lost.signal.aborted) await cursors.flush();
  cursors.close();
  await parts.transport.close();
  await parts.carrier.close();
}

function keepPruned(base: Base, deliveries: Deliveries, retentionMs: number): NodeJS.Timeout {
  const { carrier, clock, logger } = base;
  const prune = async (): Promise<void> => {
    const pruned = await carrier.prune(clock.now() - retentionMs, await deliveries.completed());
    if (pruned > 0) logger.info("log.pruned", { events: pruned });
  };
  const timer = setInterval(() => {
    prune().catch((error: unknown) => logger.warn("log.prune-failed", errorFields(error)));
  }, PRUNE_EVERY_MS);
  return timer.unref();
}
