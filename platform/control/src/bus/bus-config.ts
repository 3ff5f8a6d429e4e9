/** The bus's configuration, from what should be served. Pure. */
import type { BusConfig, BusRevision, BusService } from "@tideway/bus";
import { databaseOf } from "../provisioning.ts";
import type { RevisionRow } from "../store/revisions.ts";
import type { Wanted } from "../wanted.ts";

/** Everything but the epoch, which only a change earns. */
export function buildBusConfig(wanted: Wanted): Omit<BusConfig, "epoch"> {
  const services = wanted.services.flatMap(({ service, stable, candidate }): BusService[] => {
    const ids = candidate === null ? [stable] : [stable, candidate];
    const rows = ids.flatMap((id) => wanted.revisions.get(id) ?? []);
    if (rows.length === 0) return [];
    const hasDatabase = rows.some(({ manifest }) => manifest.database);
    const database = hasDatabase ? databaseOf(service) : null;
    return [{ name: service, database, revisions: rows.map(revisionOf) }];
  });
  return { services };
}

function revisionOf({ revision, manifest }: RevisionRow): BusRevision {
  const { consumes, emits, cron } = manifest;
  return { id: revision, consumes, emits, cron };
}
