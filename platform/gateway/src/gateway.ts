/** Starts the gateway: listeners, admin socket, configuration, health checks, log. */
import { systemClock } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { createLogger, errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { AccessLog } from "./access-log.ts";
import { startAdmin } from "./admin.ts";
import type { AdminActions } from "./admin.ts";
import { Apps } from "./apps.ts";
import { Callers } from "./callers.ts";
import { clientAddressBy } from "./client-address.ts";
import { checkConfig } from "./config-check.ts";
import { loadConfig, saveConfig } from "./config-store.ts";
import type { EvidencePage, GatewayConfig, GatewayState, SplitsPage } from "./config.ts";
import type { Core } from "./core.ts";
import { gatewayErrors } from "./errors.ts";
import { fetchKeys } from "./fetch-keys.ts";
import { createHandler } from "./handler.ts";
import { startHealthChecks } from "./health.ts";
import { DEMAND_WAIT_MS, DRAIN_MS } from "./limits.ts";
import { parseListenAt, readTls, startListener } from "./listener.ts";
import { splitsOf, stateOf } from "./state.ts";
import { Table } from "./table.ts";
import { TokenVerifier } from "./tokens.ts";

export interface GatewayOptions {
  /** `fd:N` or `tcp:HOST:PORT`; port 0 takes a free one. */
  readonly publicListen: string;
  readonly internalListen: string;
  readonly adminSocket: string;
  /** Where the configuration is kept; loaded when it is there. */
  readonly configFile: string;
  readonly accessLog: string;
  /** As people see it; https makes the visitor's cookie Secure. */
  readonly publicUrl: string;
  /** PEM files; with them the public listener speaks TLS only. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Addresses or networks whose `x-forwarded-for` is believed, separated by commas. */
  readonly trustedProxies?: string;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** How long requests in flight may take after `close`. */
  readonly drainMs?: number;
}

export interface Gateway {
  readonly publicPort: number;
  readonly internalPort: number;
  /** As PUT /config: checks, persists, applies. */
  configure(config: GatewayConfig): Promise<void>;
  state(): GatewayState;
  /** How each service's traffic is divided now, and since which configuration. */
  splits(): SplitsPage;
  /** Resolves when a request begins to wait for a revision without instances, or after 10 s. */
  demand(after: number): Promise<number>;
  evidence(service: string, rollout: string, after: number): EvidencePage;
  /** Drains the public listener, then the internal one, then ends the rest. */
  close(): Promise<void>;
}

/** Resolves when it listens. Rejects when an address, the socket or a file cannot be had. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const clock = options.clock ?? systemClock;
  const boot = { bootId: randomUUID(), startedAtMs: clock.now() };
  await mkdir(dirname(options.accessLog), { recursive: true, mode: 0o700 });
  const core = createCore(options, clock);
  const actions = createActions(options.configFile, core, boot);
  await loadStored(options.configFile, core);
  const admin = await startAdmin(options.adminSocket, core, actions);
  const internal = await startListener(
    parseListenAt(options.internalListen),
    createHandler(core, "internal"),
  );
  const front = await startListener(
    parseListenAt(options.publicListen),
    createHandler(core, "public"),
    options.tls === undefined ? null : await readTls(options.tls),
  );
  const health = startHealthChecks(core.table, clock);
  core.logger.info("gateway.started", { ...boot, epoch: core.table.epoch });
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    const drainMs = options.drainMs ?? DRAIN_MS;
    await front.drain(drainMs);
    // Whatever the public side still needed from inner calls is answered by now.
    await internal.drain(Math.min(drainMs, 2_000));
    health.stop();
    for (const service of core.table.services.values()) service.retire();
    admin.closeAllConnections();
    admin.close();
    await once(admin, "close");
    core.accessLog.close();
    core.logger.info("gateway.ended");
  };
  return {
    publicPort: front.port,
    internalPort: internal.port,
    ...actions,
    close: () => (closing ??= close()),
  };
}

function createCore(options: GatewayOptions, clock: Clock): Core {
  const table = new Table();
  return {
    table,
    tokens: new TokenVerifier({ fetchKeys: () => fetchKeys(table, clock), clock }),
    callers: new Callers(),
    apps: new Apps(),
    accessLog: new AccessLog({ path: options.accessLog, now: () => clock.now() }),
    logger: options.logger ?? createLogger({ service: "gateway" }),
    clock,
    isSecure: options.publicUrl.startsWith("https:"),
    clientAddress: clientAddressBy(options.trustedProxies),
  };
}

function createActions(
  configFile: string,
  core: Core,
  boot: { bootId: string; startedAtMs: number },
): AdminActions {
  const { table, clock } = core;
  // One after the other, so that what is on disk and what is in force never differ in order.
  let last: Promise<void> = Promise.resolve();
  const configureNow = async (config: GatewayConfig): Promise<void> => {
    if (table.loaded && config.epoch < table.epoch) {
      const given = { given: config.epoch, current: table.epoch };
      throw gatewayErrors.error("GATEWAY_EPOCH_STALE", { given });
    }
    await saveConfig(configFile, config);
    apply(core, config);
  };
  return {
    configure: (config) => {
      const checked = checkConfig(config);
      const mine = last.then(() => configureNow(checked));
      last = mine.catch(() => undefined);
      return mine;
    },
    state: () => stateOf(table, boot, clock.now()),
    splits: () => splitsOf(table, boot),
    demand: (after) => table.demand.next(after, DEMAND_WAIT_MS),
    evidence: (service, rollout, after) => {
      const evidence = table.services.get(service)?.evidence;
      if (evidence === undefined || evidence === null || evidence.rollout !== rollout) {
        const given = { service: service.slice(0, 100), rollout: rollout.slice(0, 120) };
        throw gatewayErrors.error("GATEWAY_EVIDENCE_UNKNOWN", { given });
      }
      return evidence.page(boot.bootId, after);
    },
  };
}

function apply(core: Core, config: GatewayConfig): void {
  core.table.apply(config, core.clock.now());
  core.tokens.configure(config.tokens.issuer);
  core.apps.configure(config.apps);
  core.logger.info("gateway.configured", { epoch: config.epoch });
}

/** A stored configuration that cannot be read must not keep the gateway down: control sends one. */
async function loadStored(configFile: string, core: Core): Promise<void> {
  try {
    const stored = await loadConfig(configFile);
    if (stored !== null) apply(core, stored);
  } catch (error) {
    core.logger.error("gateway.config.unreadable", errorFields(error));
  }
}
