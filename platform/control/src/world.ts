/**
 * Makes what runs and what the gateway serves agree with the database, again and again:
 *
 *   wanted (database) ──ensure──> engine ──ready instances──> configuration ──put──> gateway
 *                                   ^                                                  │
 *                                   └──remove, only after the gateway confirmed ───────┘
 *
 * Nothing here needs to be remembered: a control that was killed derives all of it again.
 */
import type { Engine, Revision, RevisionState } from "@tideway/engine";
import type { AppConfig, GatewayConfig, GatewayState } from "@tideway/gateway";
import { systemClock } from "@tideway/kernel";
import type { RolloutState } from "@tideway/rollout";
import { wantedInstances } from "@tideway/scaler";
import type { Observed } from "@tideway/scaler";
import { canonicalJson } from "@tideway/schema";
import type { Pool } from "@tideway/store";
import type { Logger } from "@tideway/telemetry";
import { buildGatewayConfig } from "./gateway-config.ts";
import type { ServiceWanted } from "./gateway-config.ts";
import { createRepeatedErrors } from "./repeated-errors.ts";
import { revisionFolder } from "./revision-files.ts";
import { nextEpoch } from "./store/epoch.ts";
import { findRevisions, listServices } from "./store/revisions.ts";
import type { RevisionRow, ServiceRow } from "./store/revisions.ts";
import type { RolloutRow } from "./store/rollouts.ts";
import { wishOf } from "./wish.ts";

export interface WorldOptions {
  readonly pool: Pool;
  readonly engine: Engine;
  readonly logger: Logger;
  readonly home: string;
  readonly tokenIssuer: string;
  readonly apps: () => Promise<readonly AppConfig[]>;
  readonly putConfig: (config: GatewayConfig) => Promise<unknown>;
}

export interface World {
  readonly running: ReadonlyMap<string, RevisionState>;
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
  const errors = createRepeatedErrors(options.logger, systemClock);
  let pushed: { readonly text: string; readonly epoch: number } | null = null;
  /** Of our orders to the engine until the gateway has taken a configuration of ours. */
  let firstEpoch: number | null = null;
  let confirmed: ReadonlySet<string> | null = null;

  /** What cannot be had for one revision must not keep the others from running. */
  const ensureAll = async (wanted: Wanted, gateway: GatewayState | null): Promise<void> => {
    firstEpoch ??= await nextEpoch(options.pool, gateway?.epoch ?? 0);
    const epoch = pushed?.epoch ?? firstEpoch;
    for (const row of wanted.revisions.values()) {
      const { scaling } = row.manifest;
      const count = wantedInstances({
        manifest: row.manifest,
        // A rollout asks for one instance at least, also before the first request.
        bounds: { min: 1, max: scaling.instancesMax },
        observed: observe(row, wanted, gateway),
      });
      if (ensured.get(row.revision) === count) continue;
      try {
        const bounds = { min: count, max: scaling.instancesMax };
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
      apps: await options.apps(),
      tokenIssuer: options.tokenIssuer,
    });
    const text = canonicalJson(config);
    if (pushed?.text === text && gateway.epoch === pushed.epoch) return;
    confirmed = null;
    const epoch = await nextEpoch(options.pool, gateway.epoch);
    await options.putConfig({ ...config, epoch });
    pushed = { text, epoch };
    confirmed = new Set(
      config.services.flatMap((service) => service.revisions.map(({ id }) => id)),
    );
    options.logger.info("gateway.configured", { epoch });
  };

  return {
    running,
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
      await ensureAll(wanted, gateway);
      if (gateway === null) return;
      await push(wanted, gateway);
      removeSurplus(wanted);
    },
  };
}

interface Wanted {
  readonly services: readonly ServiceWanted[];
  readonly revisions: ReadonlyMap<string, RevisionRow>;
}

/** What should be served, and every revision that must have instances for it. */
async function readWanted(
  pool: Pool,
  rollouts: readonly RolloutRow<RolloutState>[],
): Promise<Wanted> {
  const services = await listServices(pool);
  const byService = new Map(rollouts.map((row) => [row.service, row]));
  const served = services.flatMap((service) => servedNow(service, byService.get(service.service)));
  const candidates = rollouts.map((row) => row.to_revision);
  const ids = [
    ...services.flatMap(({ stable }) => stable ?? []),
    ...candidates,
    ...served.flatMap(({ stable, candidate }) => [stable, candidate ?? stable]),
  ];
  const rows = await findRevisions(pool, [...new Set(ids)]);
  return { services: served, revisions: new Map(rows.map((row) => [row.revision, row])) };
}

function servedNow(
  service: ServiceRow,
  row: RolloutRow<RolloutState> | undefined,
): ServiceWanted[] {
  if (service.stable === null) return [];
  const base = { service: service.service, stable: service.stable };
  const wish = row === undefined ? null : wishOf(row.state);
  if (row === undefined || wish === null || wish.candidate === null || wish.weight === 0) {
    // The rollout's id is set before it has weight, so that stable's people count from the start.
    return [{ ...base, candidate: null, weight: 0, rollout: row?.rollout ?? null }];
  }
  const { candidate, weight } = wish;
  return [{ ...base, candidate, weight, rollout: row.rollout }];
}

/** What the gateway measures of a revision; nothing is known while it does not answer. */
function observe(row: RevisionRow, wanted: Wanted, gateway: GatewayState | null): Observed {
  const service = wanted.services.find((one) => one.service === row.service);
  const candidateWeight = service?.candidate === row.revision ? service.weight : 0;
  const stableWeight = service?.stable === row.revision ? 100 - (service.weight ?? 0) : 0;
  const measured = gateway?.services.find((one) => one.service === row.service);
  const counters = measured?.revisions.find((one) => one.revision === row.revision);
  return {
    weight: candidateWeight + stableWeight,
    inFlight: counters?.inFlight ?? 0,
    queued: measured?.queued ?? 0,
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
