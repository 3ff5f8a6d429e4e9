/** The start and the end of a service: what every `main.ts` calls. */
import { flushCompileCache } from "node:module";
import { systemClock } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { wakeRoutes } from "@tideway/schema";
import type { Api, ServiceDeclaration } from "@tideway/schema";
import { createPool } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { createLogger, createMetrics, errorFields } from "@tideway/telemetry";
import type { Logger, Metrics } from "@tideway/telemetry";
import { createApp } from "./app.ts";
import { readServiceConfig } from "./config.ts";
import type { ServiceConfig } from "./config.ts";
import type { FastifyInstance } from "./fastify.ts";
import type { HandlersOf } from "./handler.ts";
import { sweepKeys } from "./idempotency.ts";
import { platformHandlers } from "./module.ts";
import type { ServiceModule } from "./module.ts";

/** What a service builds itself from. */
export interface ServiceParts {
  readonly config: ServiceConfig;
  /** The service's own database. Throws for a service declared without one. */
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface BuiltService<A extends Api> {
  readonly handlers: HandlersOf<A>;
  /** Events, jobs, sagas: started in this order before `start`, stopped in the reverse one. */
  readonly modules?: readonly ServiceModule[];
  /** Work to be done before `/ready` answers 200: recovery, seeds, keys. */
  readonly start?: () => Promise<void>;
  /** Ends timers and loops; called when the last request was answered. */
  readonly stop?: () => Promise<void>;
}

export interface ServiceOptions<A extends Api> {
  readonly declaration: ServiceDeclaration & { readonly api: A };
  readonly build: (parts: ServiceParts) => BuiltService<A> | Promise<BuiltService<A>>;
}

export interface RunningService {
  readonly app: FastifyInstance;
  /** Answers `/ready` with 503, finishes what is in flight, closes the database. */
  stop(): Promise<void>;
}

const DRAIN_MS_MAX = 15_000;
const SWEEP_EVERY_MS = 600_000;

/**
 * Runs a service until SIGTERM; the whole of a `main.ts`.
 *
 * @example await runService({ declaration, build: ({ pool }) => ({ handlers: handlersOf(pool) }) });
 */
export async function runService<A extends Api>(options: ServiceOptions<A>): Promise<void> {
  const config = readServiceConfig(process.env);
  const logger = createLogger({ ...config, level: config.logLevel });
  process.on("uncaughtException", (error) => {
    logger.error("process.crashed", errorFields(error));
    process.exit(1);
  });
  const service = await startService(options, config, { logger, clock: systemClock });
  // An instance may be killed; the next one of this revision should still start from the cache.
  flushCompileCache();
  const end = (): void => {
    setTimeout(() => process.exit(1), DRAIN_MS_MAX).unref();
    service.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error("process.drain-failed", errorFields(error));
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
}

/** Starts a service in this process. Used by `runService` and by tests. */
export async function startService<A extends Api>(
  options: ServiceOptions<A>,
  config: ServiceConfig,
  base: { readonly logger: Logger; readonly clock: Clock },
): Promise<RunningService> {
  const { declaration } = options;
  const metrics = createMetrics(declaration.name);
  const pool = openPool(declaration, config, base.logger);
  const parts: ServiceParts = {
    ...base,
    config,
    metrics,
    get pool() {
      if (pool === null) throw new Error(`${declaration.name} is declared without a database.`);
      return pool;
    },
  };
  const built = await options.build(parts);
  const modules = [...(built.modules ?? [])];
  if (declaration.database) modules.push(wakeModule(modules));
  const state = { started: false, draining: false };
  const app = createApp({
    ...base,
    api: declaration.api,
    handlers: built.handlers,
    modules,
    config,
    pool,
    metrics,
    checkReady: async () => {
      if (state.draining) throw new Error("It is draining.");
      if (!state.started) throw new Error("Its start work is not done.");
      await pool?.query("select 1");
    },
  });
  await app.ready();
  await listen(app, config);
  for (const module of modules) await module.start?.();
  await built.start?.();
  state.started = true;
  const sweeping = startSweeping(declaration, pool, base.logger);
  base.logger.info("service.started", { listen: JSON.stringify(config.listen) });
  return {
    app,
    stop: async () => {
      state.draining = true;
      clearInterval(sweeping);
      await app.close();
      await built.stop?.();
      for (const module of modules.toReversed()) await module.stop?.();
      await pool?.end();
      base.logger.info("service.stopped");
    },
  };
}

function wakeModule(modules: readonly ServiceModule[]): ServiceModule {
  return {
    name: "wake",
    ...platformHandlers(wakeRoutes, {
      wakeUp: async () => {
        let due = 0;
        for (const module of modules) due += (await module.wake?.()) ?? 0;
        return { due };
      },
    }),
  };
}

function openPool(
  declaration: ServiceDeclaration,
  config: ServiceConfig,
  logger: Logger,
): Pool | null {
  if (!declaration.database) return null;
  if (config.databaseUrl === null) {
    throw new Error(`${declaration.name} needs a database, and TIDEWAY_DATABASE_URL is missing.`);
  }
  return createPool({
    url: config.databaseUrl,
    connectionsMax: config.connectionsMax,
    applicationName: config.instance,
    onIdleError: (error) => logger.warn("database.connection-lost", { message: error.message }),
  });
}

async function listen(app: FastifyInstance, config: ServiceConfig): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    app.server.once("error", reject);
    app.server.listen(config.listen, resolve);
  });
}

function startSweeping(
  declaration: ServiceDeclaration,
  pool: Pool | null,
  logger: Logger,
): NodeJS.Timeout | undefined {
  const hasKeys = Object.values(declaration.api.routes).some((route) => route.idempotent === true);
  if (pool === null || !hasKeys) return undefined;
  const timer = setInterval(() => {
    sweepKeys(pool).catch((error: unknown) => {
      logger.warn("idempotency.sweep-failed", errorFields(error));
    });
  }, SWEEP_EVERY_MS);
  return timer.unref();
}
