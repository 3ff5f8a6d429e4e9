/** What should be served, and every revision that must have instances for it, from the database. */
import type { RolloutState } from "@tideway/rollout";
import type { Pool } from "@tideway/store";
import type { ServiceWanted } from "./gateway-config.ts";
import { findRevisions, listServices } from "./store/revisions.ts";
import type { RevisionRow, ServiceRow } from "./store/revisions.ts";
import type { RolloutRow } from "./store/rollouts.ts";
import { wishOf } from "./wish.ts";

export interface Wanted {
  readonly services: readonly ServiceWanted[];
  readonly revisions: ReadonlyMap<string, RevisionRow>;
  /** Services with a rollout under way: what it compares must run. */
  readonly inRollout: ReadonlySet<string>;
}

export async function readWanted(
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
  return {
    services: served,
    revisions: new Map(rows.map((row) => [row.revision, row])),
    inRollout: new Set(byService.keys()),
  };
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
