/** SQL of services and their revisions. */
import type { Consumption, Manifest } from "@tideway/schema";
import type { Queryable } from "@tideway/store";

export interface RevisionRow {
  readonly revision: string;
  readonly service: string;
  readonly number: number;
  readonly digest: string;
  readonly manifest: Manifest;
  readonly created_at: Date;
  readonly created_by: string;
  readonly withdrawn_at: Date | null;
}

export interface ServiceRow {
  readonly service: string;
  readonly stable: string | null;
}

/** As older versions wrote it: fields that came later are missing, `consumes` held plain types. */
type StoredManifest = Omit<Manifest, "consumes" | "emits" | "sagas" | "cron"> & {
  readonly consumes?: readonly (string | Consumption)[];
  readonly emits?: Manifest["emits"];
  readonly sagas?: Manifest["sagas"];
  readonly cron?: Manifest["cron"];
};

type StoredRow = Omit<RevisionRow, "manifest"> & { readonly manifest: StoredManifest };

const COLUMNS = `revision, service, number, digest, manifest, created_at, created_by, withdrawn_at`;

export async function listServices(db: Queryable): Promise<ServiceRow[]> {
  const found = await db.query<ServiceRow>("select service, stable from services order by service");
  return found.rows;
}

export async function findService(db: Queryable, service: string): Promise<ServiceRow | null> {
  const found = await db.query<ServiceRow>(
    "select service, stable from services where service = $1",
    [service],
  );
  return found.rows[0] ?? null;
}

export async function setStable(db: Queryable, service: string, revision: string): Promise<void> {
  await db.query("update services set stable = $2 where service = $1", [service, revision]);
}

export async function findRevision(db: Queryable, revision: string): Promise<RevisionRow | null> {
  const [row] = await findRevisions(db, [revision]);
  return row ?? null;
}

export async function listRevisions(db: Queryable, service: string): Promise<RevisionRow[]> {
  const found = await db.query<StoredRow>(
    `select ${COLUMNS} from revisions where service = $1 order by number desc limit 100`,
    [service],
  );
  return found.rows.map(rowOf);
}

/** Several at once, for building the gateway's configuration. */
export async function findRevisions(
  db: Queryable,
  revisions: readonly string[],
): Promise<RevisionRow[]> {
  const found = await db.query<StoredRow>(
    `select ${COLUMNS} from revisions where revision = any($1)`,
    [revisions],
  );
  return found.rows.map(rowOf);
}

function rowOf(row: StoredRow): RevisionRow {
  const { consumes = [], emits = [], sagas = [], cron = {}, ...rest } = row.manifest;
  const consumptions = consumes.map((one): Consumption => {
    return typeof one === "string" ? { type: one, order: "key" } : one;
  });
  return { ...row, manifest: { ...rest, consumes: consumptions, emits, sagas, cron } };
}

export interface NewRevision {
  readonly service: string;
  readonly digest: string;
  readonly manifest: Manifest;
  readonly createdBy: string;
}

/** The revision of these files: a new number, or the one that has the same digest. */
export async function addRevision(
  db: Queryable,
  given: NewRevision,
): Promise<{ readonly row: RevisionRow; readonly isNew: boolean }> {
  await db.query("insert into services (service) values ($1) on conflict do nothing", [
    given.service,
  ]);
  // Locks the service, so that two uploads at once get two numbers.
  await db.query("select 1 from services where service = $1 for update", [given.service]);
  const inserted = await db.query<StoredRow>(
    `insert into revisions (revision, service, number, digest, manifest, created_by)
     select $1 || '-' || next.number, $1, next.number, $2, $3, $4
     from (select coalesce(max(number), 0) + 1 as number from revisions where service = $1) next
     on conflict (service, digest) do nothing returning ${COLUMNS}`,
    [given.service, given.digest, JSON.stringify(given.manifest), given.createdBy],
  );
  const row = inserted.rows[0];
  if (row !== undefined) return { row: rowOf(row), isNew: true };
  const known = await db.query<StoredRow>(
    `select ${COLUMNS} from revisions where service = $1 and digest = $2`,
    [given.service, given.digest],
  );
  const existing = known.rows[0];
  if (existing === undefined) throw new Error("The revision's row vanished under its upload.");
  return { row: rowOf(existing), isNew: false };
}

export async function setWithdrawn(
  db: Queryable,
  revision: string,
  withdrawn: "now" | "never",
): Promise<void> {
  await db.query(
    "update revisions set withdrawn_at = case when $2 then now() end where revision = $1",
    [revision, withdrawn === "now"],
  );
}

/** How far back a rollback looks when revisions before were withdrawn. */
const ROLLBACK_DEPTH_MAX = 50;

/**
 * The revision that the stable one replaced when it was released, or null. Rollbacks are passed
 * over, or the second one in a row would lead back to what the first one left. A revision that was
 * withdrawn since is passed over for the one before it.
 */
export async function findRollbackTarget(db: Queryable, service: string): Promise<string | null> {
  const found = await db.query<{ revision: string }>(
    `with recursive promoted as (
       select distinct on (to_revision) to_revision, from_revision
       from rollouts where service = $1 and phase = 'promoted'
       order by to_revision,
         (state->'plan'->>'strategy' is not distinct from 'immediate'), finished_at desc
     ), before as (
       select from_revision as revision, 1 as depth from promoted
       where to_revision = (select stable from services where service = $1)
       union all
       select p.from_revision, b.depth + 1 from before b
       join promoted p on p.to_revision = b.revision where b.depth < $2
     )
     select b.revision from before b join revisions v using (revision)
     join services s on s.service = $1
     where v.withdrawn_at is null and b.revision <> s.stable
     order by b.depth limit 1`,
    [service, ROLLBACK_DEPTH_MAX],
  );
  return found.rows[0]?.revision ?? null;
}
