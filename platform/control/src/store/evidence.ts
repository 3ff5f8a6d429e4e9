/**
 * The gateway's evidence, kept so that a rollout is judged on after a restart of control or of
 * the gateway. A person counts once a lane, and gives at most one bad event per rollout: the
 * primary keys say so, however often the gateway tells it again.
 */
import type { EvidenceRecord, RouteEvidence } from "@tideway/gateway";
import type { Queryable } from "@tideway/store";

/**
 * What a page of the gateway adds; returns only what was new, in the gateway's order. `written`
 * records of the rollout were given before.
 */
export async function addEvidence(
  db: Queryable,
  rollout: string,
  records: readonly EvidenceRecord[],
  written = 0,
): Promise<EvidenceRecord[]> {
  if (records.length === 0) return [];
  const placed = records.map((record, i) => ({ ...record, place: written + i }));
  const seen = placed.filter((record) => record.kind === "seen");
  const bad = placed.filter((record) => record.kind === "bad");
  const seenKeys = await insertSeen(db, rollout, seen);
  const badKeys = await insertBad(db, rollout, bad);
  return records.filter((record) =>
    record.kind === "seen"
      ? seenKeys.delete(`${record.lane} ${record.person}`)
      : badKeys.delete(record.person),
  );
}

interface PlacedRecord extends EvidenceRecord {
  readonly place: number;
}

async function insertSeen(
  db: Queryable,
  rollout: string,
  seen: readonly PlacedRecord[],
): Promise<Set<string>> {
  if (seen.length === 0) return new Set();
  const inserted = await db.query<{ lane: string; person: string }>(
    `insert into rollout_people (rollout, lane, person, weight, place)
     select $1, lane, person, weight, place
     from unnest($2::text[], $3::text[], $4::float8[], $5::bigint[])
       as given (lane, person, weight, place)
     order by place on conflict do nothing returning lane, person`,
    [
      rollout,
      seen.map(({ lane }) => lane),
      seen.map(({ person }) => person),
      seen.map(({ weight }) => weight),
      seen.map(({ place }) => place),
    ],
  );
  return new Set(inserted.rows.map((row) => `${row.lane} ${row.person}`));
}

async function insertBad(
  db: Queryable,
  rollout: string,
  bad: readonly PlacedRecord[],
): Promise<Set<string>> {
  if (bad.length === 0) return new Set();
  const inserted = await db.query<{ person: string }>(
    `insert into rollout_bad
       (rollout, person, lane, weight, at, route, reason, status, trace_id, duration_ms, place)
     select $1, person, lane, weight, at, route, reason, status, trace_id, duration_ms, place
     from unnest($2::text[], $3::text[], $4::float8[], $5::timestamptz[], $6::text[], $7::text[],
       $8::int[], $9::text[], $10::float8[], $11::bigint[]) as given
       (person, lane, weight, at, route, reason, status, trace_id, duration_ms, place)
     order by place on conflict do nothing returning person`,
    [
      rollout,
      bad.map(({ person }) => person),
      bad.map(({ lane }) => lane),
      bad.map(({ weight }) => weight),
      bad.map(({ atMs }) => new Date(atMs)),
      bad.map(({ route }) => route ?? "unknown"),
      bad.map(({ reason }) => reason ?? "unknown"),
      bad.map(({ status }) => status),
      bad.map(({ traceId }) => traceId),
      bad.map(({ durationMs }) => durationMs),
      bad.map(({ place }) => place),
    ],
  );
  return new Set(inserted.rows.map(({ person }) => person));
}

export interface StoredEvidence {
  readonly kind: "seen" | "bad";
  readonly lane: "stable" | "candidate";
  readonly person: string;
  readonly weight: number;
}

/** All that is known of a rollout, in the order in which it came. */
export async function readEvidence(db: Queryable, rollout: string): Promise<StoredEvidence[]> {
  // Rows from before places were kept have none: people come first then, each kind in its order.
  const found = await db.query<StoredEvidence>(
    `select kind, lane, person, weight from (
       select 'seen' as kind, 1 as part, lane, person, weight, place, seq
       from rollout_people where rollout = $1
       union all
       select 'bad', 2, lane, person, weight, place, seq from rollout_bad where rollout = $1
     ) as records order by place nulls first, part, seq`,
    [rollout],
  );
  return found.rows;
}

/** How far the evidence of a rollout was read. */
export interface ReadingRow {
  readonly bootId: string;
  readonly after: number;
  readonly lost: number;
  /** Records written, over all starts of the gateway. */
  readonly written: number;
  readonly routes: readonly RouteEvidence[];
}

export async function findReading(db: Queryable, rollout: string): Promise<ReadingRow | null> {
  const found = await db.query<{
    boot_id: string;
    after: string;
    lost: string;
    written: string;
    routes: RouteEvidence[];
  }>("select boot_id, after, lost, written, routes from rollout_readings where rollout = $1", [
    rollout,
  ]);
  const row = found.rows[0];
  if (row === undefined) return null;
  const { boot_id: bootId, routes } = row;
  const [after, lost, written] = [Number(row.after), Number(row.lost), Number(row.written)];
  return { bootId, after, lost, written, routes };
}

export async function saveReading(db: Queryable, rollout: string, row: ReadingRow): Promise<void> {
  await db.query(
    `insert into rollout_readings (rollout, boot_id, after, lost, written, routes)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (rollout) do update set boot_id = excluded.boot_id, after = excluded.after,
       lost = excluded.lost, written = excluded.written, routes = excluded.routes`,
    [rollout, row.bootId, row.after, row.lost, row.written, JSON.stringify(row.routes)],
  );
}

/**
 * Deletes people and readings of rollouts that ended, `rowsMax` at most: the verdict is kept with
 * the rollout. Bad requests stay for the report, 30 days.
 */
export async function pruneEvidence(db: Queryable, rowsMax: number): Promise<void> {
  await db.query(
    `delete from rollout_people where ctid = any (array(
       select p.ctid from rollouts r join rollout_people p using (rollout)
       where r.finished_at is not null limit $1))`,
    [rowsMax],
  );
  await db.query(
    `delete from rollout_bad where ctid = any (array(
       select b.ctid from rollouts r join rollout_bad b using (rollout)
       where r.finished_at < now() - interval '30 days' limit $1))`,
    [rowsMax],
  );
  await db.query(
    `delete from rollout_readings where rollout in (
       select rollout from rollouts where finished_at is not null)`,
  );
}

export interface BadRow {
  readonly at: Date;
  readonly lane: "stable" | "candidate";
  readonly route: string;
  readonly reason: string;
  readonly status: number | null;
  readonly trace_id: string | null;
}

/** The first bad requests, for the report. */
export async function listBad(db: Queryable, rollout: string, limit: number): Promise<BadRow[]> {
  const found = await db.query<BadRow>(
    `select at, lane, route, reason, status, trace_id from rollout_bad
     where rollout = $1 order by seq limit $2`,
    [rollout, limit],
  );
  return found.rows;
}
