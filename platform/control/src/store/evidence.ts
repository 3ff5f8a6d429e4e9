/**
 * The gateway's evidence, kept so that a rollout is judged on after a restart of control or of
 * the gateway. A person counts once a lane, and gives at most one bad event per rollout: the
 * primary keys say so, however often the gateway tells it again.
 */
import type { EvidenceRecord } from "@tideway/gateway";
import type { Queryable } from "@tideway/store";

/** What a page of the gateway adds; returns only what was new, in the gateway's order. */
export async function addEvidence(
  db: Queryable,
  rollout: string,
  records: readonly EvidenceRecord[],
): Promise<EvidenceRecord[]> {
  if (records.length === 0) return [];
  const seen = records.filter((record) => record.kind === "seen");
  const bad = records.filter((record) => record.kind === "bad");
  const seenKeys = await insertSeen(db, rollout, seen);
  const badKeys = await insertBad(db, rollout, bad);
  return records.filter((record) =>
    record.kind === "seen"
      ? seenKeys.delete(`${record.lane} ${record.person}`)
      : badKeys.delete(record.person),
  );
}

async function insertSeen(
  db: Queryable,
  rollout: string,
  seen: readonly EvidenceRecord[],
): Promise<Set<string>> {
  if (seen.length === 0) return new Set();
  const inserted = await db.query<{ lane: string; person: string }>(
    `insert into rollout_people (rollout, lane, person, weight)
     select $1, lane, person, weight
     from unnest($2::text[], $3::text[], $4::float8[]) as given (lane, person, weight)
     on conflict do nothing returning lane, person`,
    [
      rollout,
      seen.map(({ lane }) => lane),
      seen.map(({ person }) => person),
      seen.map(({ weight }) => weight),
    ],
  );
  return new Set(inserted.rows.map((row) => `${row.lane} ${row.person}`));
}

async function insertBad(
  db: Queryable,
  rollout: string,
  bad: readonly EvidenceRecord[],
): Promise<Set<string>> {
  const added = new Set<string>();
  for (const record of bad) {
    const inserted = await db.query(
      `insert into rollout_bad
         (rollout, person, lane, weight, at, route, reason, status, trace_id, duration_ms)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing`,
      [
        rollout,
        record.person,
        record.lane,
        record.weight,
        new Date(record.atMs),
        record.route ?? "unknown",
        record.reason ?? "unknown",
        record.status,
        record.traceId,
        record.durationMs,
      ],
    );
    if (inserted.rowCount === 1) added.add(record.person);
  }
  return added;
}

export interface StoredEvidence {
  readonly kind: "seen" | "bad";
  readonly lane: "stable" | "candidate";
  readonly person: string;
  readonly weight: number;
}

/** All that is known of a rollout, people first, then bad events in their order. */
export async function readEvidence(db: Queryable, rollout: string): Promise<StoredEvidence[]> {
  const people = await db.query<Omit<StoredEvidence, "kind">>(
    "select lane, person, weight from rollout_people where rollout = $1 order by seq",
    [rollout],
  );
  const bad = await db.query<Omit<StoredEvidence, "kind">>(
    "select lane, person, weight from rollout_bad where rollout = $1 order by seq",
    [rollout],
  );
  return [
    ...people.rows.map((row) => ({ kind: "seen" as const, ...row })),
    ...bad.rows.map((row) => ({ kind: "bad" as const, ...row })),
  ];
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
