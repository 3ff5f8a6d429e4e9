/** Control: rollouts, the engine's orders, the gateway's configuration, and the operators' api. */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { TOKEN_ISSUER } from "@tideway/api-identity";
import { createProcessEngine } from "@tideway/engine";
import { gatewayAdmin } from "@tideway/gateway";
import { sleep, systemClock } from "@tideway/kernel";
import type { FastifyInstance, FastifyRequest } from "@tideway/http";
import { createPool } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { createAppsReader } from "./apps-file.ts";
import { startBusPart } from "./bus/bus-part.ts";
import { readObserved } from "./compat/observed-reader.ts";
import { createConductor } from "./conductor.ts";
import type { ControlConfig } from "./config.ts";
import { openControlDatabase } from "./database.ts";
import { followDemand } from "./demand-follower.ts";
import { createEvidenceReader } from "./evidence-reader.ts";
import { addConsole } from "./http/console.ts";
import { createHandlers } from "./http/handlers.ts";
import { createAdminServer, sessionTokenOf } from "./http/server.ts";
import { addStream } from "./http/stream.ts";
import { createMetricHistory } from "./metric-history.ts";
import { openOperators } from "./operators.ts";
import type { Operator, Operators } from "./operators.ts";
import { createProvisioning } from "./provisioning.ts";
import { createRolloutStarter } from "./rollouts.ts";
import { readMasterKey } from "./secrets.ts";
import { createServiceSagas } from "./service-sagas.ts";
import { createWorld } from "./world.ts";

export interface Control {
  readonly app: FastifyInstance;
  /** Drains and ends every instance, then control: the whole installation stops. */
  readonly stop: () => Promise<void>;
  /** Ends control alone; its successor adopts what runs. */
  readonly leave: () => Promise<void>;
}

const DRAIN_GRACE_MS = 12_000;
/** For requests that are being answered when control ends. */
const ANSWERS_MS_MAX = 500;
/** Shorter than the conductor may wait: a gateway that hangs counts as away. */
const GATEWAY_TIMEOUT_MS = 2_000;

export async function startControl(
  config: ControlConfig,
  variables: Readonly<Record<string, string | undefined>>,
  logger: Logger,
): Promise<Control> {
  const clock = systemClock;
  const masterKey = await readMasterKey(config.home, variables["TIDEWAY_MASTER_KEY_FILE"]);
  const pool = openPool(await openControlDatabase(config), logger);
  const operators = await openOperators({ pool, home: config.home, profile: config.profile });
  const provisioning = createProvisioning({ config, masterKey, variables });
  const engine = createProcessEngine({
    home: config.home,
    node: process.execPath,
    environment: (revision, instance) => provisioning.environment(revision, instance),
    onError: (error) => logger.error("engine.failed", errorFields(error)),
  });
  const gateway = gatewayAdmin(join(realpathSync(join(config.home, "run")), "gateway.sock"), {
    timeoutMs: GATEWAY_TIMEOUT_MS,
  });
  const apps = createAppsReader(config.home);
  const bus = await startBusPart({ config, pool, clock, logger });
  const world = createWorld({
    pool,
    engine,
    logger,
    home: config.home,
    tokenIssuer: TOKEN_ISSUER,
    apps: async () =>
      (await apps()).flatMap(({ path, folder }) => (path === null ? [] : [{ path, folder }])),
    putConfig: (wanted) => gateway.putConfig(wanted),
    platformCallers: bus.platformCallers,
    onWanted: (wanted) => bus.offer(wanted),
  });
  const history = createMetricHistory();
  const evidence = createEvidenceReader(pool, (service, rollout, after) =>
    gateway.evidence({ service, rollout, after }),
  );
  const readGateway = () => gateway.state();
  const conductor = createConductor({ pool, clock, logger, world, evidence, history, readGateway });
  const wake = conductor.wake;
  const starter = createRolloutStarter({
    pool,
    clock,
    home: config.home,
    provisioning,
    history,
    wake,
  });
  const { running, asleep } = world;
  const view = { pool, engine, running, asleep, history, nowMs: () => clock.now() };
  const { internalUrl } = config;
  const sagas = createServiceSagas({ pool, internalUrl, secret: bus.controlSecret });
  const operatorOf = (request: FastifyRequest) => findOperator(operators, request);
  const parts = { pool, clock, operators, conductor, starter, view, bus, sagas };
  const app = createAdminServer({
    logger,
    operatorsUrl: config.operatorsUrl,
    operatorOf,
    handlers: createHandlers({
      ...config,
      ...parts,
    }),
    extend: (server) => {
      addStream(server, { conductor, operatorOf });
      addConsole(server, {
        apps,
        checkHealth: async () => {
          await pool.query("select 1");
        },
      });
    },
  });
  await app.ready();
  await new Promise<void>((resolve, reject) => {
    app.server.once("error", reject);
    app.server.listen(config.listen, resolve);
  });

  const deciding = new AbortController();
  const watching = new AbortController();
  const following = world.follow(watching.signal, wake).catch((error: unknown) => {
    // Without the engine's states nothing can be decided; the supervisor starts a new control.
    logger.error("engine.watch-ended", errorFields(error));
    if (!watching.signal.aborted) process.exit(1);
  });
  const demanding = followDemand(gateway, wake, deciding.signal);
  const conducting = conductor.run(deciding.signal);
  const observing = readObserved({ pool, logger, running }, deciding.signal);
  /** First, so that nothing is decided about instances that end because everything does. */
  const decideNoMore = async (): Promise<void> => {
    deciding.abort();
    await Promise.all([conducting, demanding, observing]);
  };
  const end = async (): Promise<void> => {
    await decideNoMore();
    watching.abort();
    await following;
    await engine.close();
    await bus.close();
    gateway.close();
    await closeServer(app);
    await pool.end();
  };
  return {
    app,
    leave: end,
    stop: async () => {
      await decideNoMore();
      await engine.stopAll(DRAIN_GRACE_MS);
      await end();
    },
  };
}

/**
 * Fastify ends open connections only of a server that it told to listen itself. An open console,
 * or a connection kept for later, would otherwise hold control up until it is killed.
 */
async function closeServer(app: FastifyInstance): Promise<void> {
  const answered = new AbortController();
  const closed = app.close().then(() => answered.abort());
  await sleep(ANSWERS_MS_MAX, answered.signal);
  app.server.closeAllConnections();
  await closed;
}

/** Drains and ends the instances of a home that no control looks after. */
export async function stopInstances(home: string, logger: Logger): Promise<void> {
  const engine = createProcessEngine({
    home,
    node: process.execPath,
    environment: () => Promise.resolve({}),
    onError: (error) => logger.error("engine.failed", errorFields(error)),
  });
  await engine.stopAll(DRAIN_GRACE_MS);
  await engine.close();
}

function openPool(url: string, logger: Logger): Pool {
  return createPool({
    url,
    connectionsMax: 8,
    applicationName: "tideway-control",
    onIdleError: (error) => logger.warn("database.connection-lost", { message: error.message }),
  });
}

async function findOperator(
  operators: Operators,
  request: FastifyRequest,
): Promise<Operator | null> {
  const bearer = /^Bearer (\S{20,200})$/.exec(request.headers.authorization ?? "")?.[1];
  if (bearer !== undefined) return operators.byLocalToken(bearer);
  const session = sessionTokenOf(request);
  return session === null ? null : operators.bySession(session);
}
