/**
 * Makes what runs and what the gateway serves agree with the database, again and again:
 *
 *   wanted (database) ──ensure──> engine ──ready instances──> configuration ──put──> gateway
 *                                   ^                                                  │
 *                                   └──remove, only after the gateway confirmed ───────┘
 *
 * What falls asleep goes the same way: first a configuration without its endpoints, then, when no
 * request is left, its instances; a request that comes in between is answered without a new start.
 * Nothing here needs to be remembered: a control that was killed derives all of it again.
 */
import type { Engine, Revision, RevisionState } from "@tideway/engine";
import type { AppConfig, GatewayConfig, GatewayState } from "@tideway/gateway";
import type { PlatformCallerConfig } from "@tideway/gateway";
import { systemClock } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import type { RolloutState } from "@tideway/rollout";
import { canonicalJson } from "@tideway/schema";
import type { Pool } from "@tideway/store";
import type { Logger } from "@tideway/telemetry";
import { createActivity } from "./activity.ts";
import { buildGatewayConfig } from "./gateway-config.ts";
import { countInstances } from "./instance-counts.ts";
import { createRepeatedErrors } from "./repeated-errors.ts";
import { revisionFolder } from "./revision-files.ts";
import { nextEpoch } from "./store/epoch.ts";
import type { RevisionRow } from "./store/revisions.ts";
import type { RolloutRow } from "./store/rollouts.ts";
import { readWanted } from "./wanted.ts";
import type { Wanted } from "./wanted.ts";

export interface WorldOptions {
  readonly pool: Pool;
  readonly engine: Engine;
  readonly logger: Logger;
  readonly home: string;
  readonly tokenIssuer: string;
  readonly apps: () => Promise<readonly AppConfig[]>;
  readonly putConfig: (config: GatewayConfig) => Promise<unknown>;
  /** Parts of the platform that may call services. */
  readonly platformCallers?: readonly PlatformCallerConfig[];
  /** Told of what should be served, at each pass. */
  readonly onWanted?: (wanted: Wanted) => void;
  /** For tests: how time passes for what falls asleep. */
  readonly clock?: Clock;
}

export interface World {
  readonly running: ReadonlyMap<string, RevisionState>;
  /** Revisions that are switched off, or on their way there, until somebody asks for them. */
  readonly asleep: ReadonlySet<string>;
  /** Follows the engine; `onChange` is called at every change. */
  follow(signal: AbortSignal, onChange: () => void): Promise<void>;
  /** One pass. `gateway` is null while it does not answer. */
  reconcile(
    rollouts: readonly RolloutRow<RolloutState>[],
    gateway: GatewayState | null,
  ): Promise<void>;
}

/** How long an instance may take to finish what it began once it has no more traffic. */
const DRAIN_GRACE_MS = 15_000;

export function createWorld(options: WorldOptions): World {
  const running = new Map<string, RevisionState>();
  const removing = new Set<string>();
  const ensured = new Map<string, number>();
  const clock = options.clock ?? systemClock;
  const errors = createRepeatedErrors(options.logger, clock);
  const activity = createActivity(clock);
  const asleep = new Set<string>();
  let pushed: { readonly text: string; readonly epoch: number } | null = null;
  /** Of our orders to the engine until the gateway has taken a configuration of ours. */
  let firstEpoch: number | null = null;
  /** What the gateway serves by: revision -> how many endpoints it has there. */
  let confirmed: ReadonlyMap<string, number> | null = null;

  /** Whether no request can reach it any more and none is left, by what the gateway says. */
  const isQuiet = (id: string, gateway: GatewayState | null): boolean => {
    const revisions = gateway?.services.flatMap((service) => service.revisions);
    const counters = revisions?.find((one) => one.revision === id);
    return confirmed?.get(id) === 0 && counters !== undefined && counters.inFlight === 0;
  };

  const follow = (id: string, count: number): void => {
    if (count === 0 ? asleep.has(id) : !asleep.has(id)) return;
    if (count === 0) asleep.add(id);
    else asleep.delete(id);
    options.logger.info(count === 0 ? "scaler.sleeps" : "scaler.wakes", { revision: id });
  };

  /** What cannot be had for one revision must not keep the others from running. */
  const ensureAll = async (wanted: Wanted, gateway: GatewayState | null): Promise<void> => {
    firstEpoch ??= await nextEpoch(options.pool, gateway?.epoch ?? 0);
    const epoch = pushed?.epoch ?? firstEpoch;
    const counts = countInstances({ wanted, running, activity, gateway });
    for (const id of asleep) if (!counts.has(id)) asleep.delete(id);
    for (const row of wanted.revisions.values()) {
      const count = counts.get(row.revision) ?? 0;
      follow(row.revision, count);
      if (ensured.get(row.revision) === count) continue;
      if (count === 0 && !isQuiet(row.revision, gateway)) continue;
      try {
        const bounds = { min: count, max: row.manifest.scaling.instancesMax };
        await options.engine.ensure(toRevision(options.home, row), bounds, epoch);
        ensured.set(row.revision, count);
        errors.clear(row.revision);
      } catch (error) {
        errors.report("engine.ensure-failed", row.revision, error);
      }
    }
  };

  /** A confirmed configuration names every revision that may still get a new request. */
  const removeSurplus = (wanted: Wanted): void => {
    for (const id of running.keys()) {
      const isNeeded = wanted.revisions.has(id) || confirmed === null || confirmed.has(id);
      if (isNeeded || removing.has(id)) continue;
      removing.add(id);
      // Wanted again while it drains, it is ensured anew at once, beside what still drains.
      ensured.delete(id);
      options.engine
        .remove(id, DRAIN_GRACE_MS)
        .catch((error: unknown) => errors.report("engine.remove-failed", id, error))
        .finally(() => removing.delete(id));
    }
  };

  const push = async (wanted: Wanted, gateway: GatewayState): Promise<void> => {
    const config = buildGatewayConfig({
      wanted: wanted.services,
      revisions: wanted.revisions,
      running,
      asleep,
      apps: await options.apps(),
      tokenIssuer: options.tokenIssuer,
      platformCallers: options.platformCallers ?? [],
    });
    const text = canonicalJson(config);
    if (pushed?.text === text && gateway.epoch === pushed.epoch) return;
    confirmed = null;
    const epoch = await nextEpoch(options.pool, gateway.epoch);
    await options.putConfig({ ...config, epoch });
    pushed = { text, epoch };
    confirmed = new Map(
      config.services.flatMap((service) =>
        service.revisions.map(({ id, endpoints }) => [id, endpoints.length] as const),
      ),
    );
    options.logger.info("gateway.configured", { epoch });
  };

  return {
    running,
    asleep,
    follow: async (signal, onChange) => {
      for await (const state of options.engine.watch(signal)) {
        const isGone = state.instances.length === 0 && state.bounds.min === 0;
        if (isGone) running.delete(state.revision);
        else running.set(state.revision, state);
        onChange();
      }
    },
    reconcile: async (rollouts, gateway) => {
      const wanted = await readWanted(options.pool, rollouts);
      options.onWanted?.(wanted);
      await ensureAll(wanted, gateway);
      if (gateway === null) return;
      await push(wanted, gateway);
      removeSurplus(wanted);
    },
  };
}

export function toRevision(home: string, row: RevisionRow): Revision {
  return {
    id: row.revision,
    service: row.service,
    number: row.number,
    digest: row.digest,
    folder: revisionFolder(home, row.service, row.digest),
    manifest: row.manifest,
  };
}
