/** Which versions of sagas instances carry, and for how long they have. */
import type { Queryable } from "@tideway/store";
import type { CarriedVersion } from "./read.ts";

/** A version that was not carried for so long, while others were, comes up as if for the first time. */
const GONE_AFTER_SECONDS = 60;

export interface SeenVersion extends CarriedVersion {
  /** For how long it has been carried whenever any version of its saga was. */
  readonly ageMs: number;
  /** Since an instance last carried nothing newer; null if there was never one. */
  readonly newestAgoMs: number | null;
}

export interface NotedVersion extends CarriedVersion {
  /** True for the newest one that the instance carries of its saga. */
  readonly isNewest: boolean;
}

/** Writes down which versions this instance carries, and answers all that were ever carried. */
export async function noteVersions(
  db: Queryable,
  carried: readonly NotedVersion[],
): Promise<SeenVersion[]> {
  // In one order, as other instances do the same at the same moment.
  await db.query({
    name: "saga-note-versions",
    text: `insert into tideway.saga_definitions as d (name, version, carried_at, newest_at)
      select c.name, c.version, t.now, case when c.newest then t.now end
      from unnest($1::text[], $2::int[], $3::bool[]) as c (name, version, newest),
        (select clock_timestamp() as now) as t
      order by c.name, c.version
      on conflict (name, version) do update set
        first_seen_at = case
          when d.carried_at < (
            select max(o.carried_at) from tideway.saga_definitions o where o.name = d.name
          ) - make_interval(secs => $4)
          then excluded.carried_at else d.first_seen_at end,
        carried_at = greatest(d.carried_at, excluded.carried_at),
        newest_at = greatest(d.newest_at, excluded.newest_at)`,
    values: [
      carried.map(({ name }) => name),
      carried.map(({ version }) => version),
      carried.map(({ isNewest }) => isNewest),
      GONE_AFTER_SECONDS,
    ],
  });
  const found = await db.query<SeenVersion>(
    `select name, version,
       (extract(epoch from clock_timestamp() - first_seen_at) * 1000)::float8 as "ageMs",
       (extract(epoch from clock_timestamp() - newest_at) * 1000)::float8 as "newestAgoMs"
     from tideway.saga_definitions`,
  );
  return found.rows;
}
