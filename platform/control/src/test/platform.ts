/** Control's world for a test: a real database, a real gateway and a real engine in one home. */
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { createProcessEngine } from "@tideway/engine";
import type { ProcessEngine, ProcessEngineOptions } from "@tideway/engine";
import { gatewayAdmin, startGateway } from "@tideway/gateway";
import type { Gateway, GatewayAdmin, PlatformCallerConfig } from "@tideway/gateway";
import { newId, systemClock, until } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { startRollout } from "@tideway/rollout";
import type { RolloutState } from "@tideway/rollout";
import { createLogger } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { setStable } from "../store/revisions.ts";
import type { RevisionRow } from "../store/revisions.ts";
import { insertRollout } from "../store/rollouts.ts";
import { createWorld } from "../world.ts";
import type { World, WorldOptions } from "../world.ts";
import { addSmallRevision } from "./small-service.ts";
import type { SmallRevision } from "./small-service.ts";

export interface TestPlatform {
  readonly home: string;
  readonly database: TestDatabase;
  readonly gateway: GatewayAdmin;
  readonly logger: Logger;
  /** What was logged, one JSON line each. */
  readonly logLines: readonly string[];
  /** Ends the gateway if one runs, and starts another one. */
  restartGateway(): Promise<Gateway>;
  stopGateway(): Promise<void>;
  /** A world over an engine of its own, as each control has one. */
  openWorld(
    options?: Partial<ProcessEngineOptions>,
    clock?: Clock,
    platformCallers?: readonly PlatformCallerConfig[],
  ): Promise<OpenWorld>;
  add(given: SmallRevision): Promise<RevisionRow>;
  stable(row: RevisionRow): Promise<void>;
  /** Writes a rollout down in this state; answers its id. */
  rollout(from: RevisionRow | null, to: RevisionRow, state: RolloutState): Promise<string>;
  close(): Promise<void>;
}

export interface OpenWorld {
  readonly world: World;
  readonly engine: ProcessEngine;
  /** Leaves what runs running. */
  close(): Promise<void>;
}

export async function openTestPlatform(): Promise<TestPlatform> {
  const home = mkdtempSync(join(tmpdir(), "tw-control-"));
  await mkdir(join(home, "run"), { recursive: true });
  const migrations = join(import.meta.dirname, "../../migrations");
  const database = await testDatabase({ service: "control", migrations });
  const logLines: string[] = [];
  const destination = new Writable({
    write: (chunk, _, done) => {
      logLines.push(String(chunk));
      done();
    },
  });
  const logger = createLogger({ service: "control", destination });
  const adminSocket = join(home, "run", "gateway.sock");
  const gateway = gatewayAdmin(adminSocket, { timeoutMs: 2_000 });
  let running: Gateway | null = null;
  const stopGateway = async (): Promise<void> => {
    await running?.close();
    running = null;
  };
  const opened = new Set<OpenWorld>();
  return {
    home,
    database,
    gateway,
    logger,
    logLines,
    stopGateway,
    restartGateway: async () => {
      await stopGateway();
      running = await startGateway({
        publicListen: "tcp:127.0.0.1:0",
        internalListen: "tcp:127.0.0.1:0",
        adminSocket,
        configFile: join(home, "gateway", "config.json"),
        accessLog: join(home, "access.log"),
        publicUrl: "http://localhost:8080",
        drainMs: 1_000,
        logger,
      });
      return running;
    },
    openWorld: async (options = {}, clock = systemClock, platformCallers = []) => {
      const parts = { home, database, gateway, logger };
      const one = await openWorld(parts, options, { clock, platformCallers });
      opened.add(one);
      return one;
    },
    add: (given) => addSmallRevision(home, database.pool, given),
    stable: (row) => setStable(database.pool, row.service, row.revision),
    rollout: async (from, to, state) => {
      const id = newId("rol");
      await insertRollout(database.pool, {
        rollout: id,
        service: to.service,
        from: from?.revision ?? null,
        to: to.revision,
        state,
        phase: state.name,
        startedBy: "test",
      });
      return id;
    },
    close: async () => {
      for (const one of opened) await one.close();
      const last = await openWorld({ home, database, gateway, logger }, {}, {});
      await last.engine.stopAll(0);
      await last.close();
      await stopGateway();
      gateway.close();
      await database.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

type Parts = Pick<TestPlatform, "home" | "database" | "gateway" | "logger">;

async function openWorld(
  parts: Parts,
  options: Partial<ProcessEngineOptions>,
  rest: Pick<Partial<WorldOptions>, "clock" | "platformCallers">,
): Promise<OpenWorld> {
  const { home, database, gateway, logger } = parts;
  const engine = createProcessEngine({
    home,
    node: process.execPath,
    environment: () => Promise.resolve({}),
    drainNoticeMs: 20,
    onError: (error) => logger.error("engine.failed", { error: String(error) }),
    ...options,
  });
  const world = createWorld({
    pool: database.pool,
    engine,
    logger,
    home,
    tokenIssuer: "identity",
    apps: () => Promise.resolve([]),
    putConfig: (config) => gateway.putConfig(config),
    ...rest,
  });
  const ending = new AbortController();
  const following = world.follow(ending.signal, () => undefined);
  let closed: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    ending.abort();
    await engine.close();
    await following;
  };
  return { world, engine, close: () => (closed ??= close()) };
}

/** A rollout as it begins. */
export function stateOf(
  from: RevisionRow | null,
  to: RevisionRow,
  change: Partial<RolloutState> = {},
): RolloutState {
  const { state } = startRollout(
    {
      service: to.service,
      from: from?.revision ?? null,
      to: to.revision,
      strategy: "judged",
      policy: to.manifest.rollout,
      rateBefore: null,
      startSecondsMax: 60,
      startedBy: "operator test",
    },
    systemClock.now(),
  );
  return { ...state, ...change };
}

/** Passes, one after the other, until `test` holds; 20 s at most. */
export function reconcileUntil(what: string, pass: () => Promise<unknown>, test: () => unknown) {
  return until(
    async () => {
      await pass();
      return Boolean(test());
    },
    { deadlineMs: 20_000, intervalMs: 20, what },
  );
}
