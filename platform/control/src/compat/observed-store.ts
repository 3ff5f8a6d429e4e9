/** SQL of what instances were seen to rely on. */
import { EXPECTATIONS_MAX } from "@tideway/schema";
import type { Expectation } from "@tideway/schema";
import type { Queryable } from "@tideway/store";

export async function findObserved(db: Queryable, revision: string): Promise<Expectation[]> {
  const found = await db.query<Expectation>(
    `select provider, operation, part, path, type from consumer_expectations
     where revision = $1 order by provider, operation, part, path, type limit $2`,
    [revision, EXPECTATIONS_MAX],
  );
  return found.rows;
}

/** Adds what is new, up to 2,000 of a revision; answers how many were. */
export async function addObserved(
  db: Queryable,
  revision: string,
  expects: readonly Expectation[],
): Promise<number> {
  const column = (name: keyof Expectation): string[] => expects.map((one) => one[name]);
  const inserted = await db.query(
    `insert into consumer_expectations (revision, provider, operation, part, path, type)
     select $1, given.* from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
       as given (provider, operation, part, path, type)
     where exists (select 1 from revisions where revision = $1)
       and (select count(*) from consumer_expectations where revision = $1) < $7
     limit $7 on conflict do nothing`,
    [
      revision,
      column("provider"),
      column("operation"),
      column("part"),
      column("path"),
      column("type"),
      EXPECTATIONS_MAX,
    ],
  );
  return inserted.rowCount ?? 0;
}
