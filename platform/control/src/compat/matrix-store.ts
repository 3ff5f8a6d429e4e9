/** SQL of the compatibility matrix. */
import type { Matrix, MatrixEntry, PairFinding } from "@tideway/compatibility";
import type { Queryable } from "@tideway/store";

/** The matrix in control's database; a check that is no release only reads it. */
export function databaseMatrix(db: Queryable, use: "release" | "check"): Matrix {
  return {
    recall: (contentHash) => findVerdict(db, contentHash),
    keep: (entry) => (use === "release" ? keepVerdict(db, entry) : Promise.resolve()),
  };
}

async function findVerdict(
  db: Queryable,
  contentHash: string,
): Promise<readonly PairFinding[] | null> {
  const found = await db.query<{ findings: readonly PairFinding[] }>(
    "select findings from compatibility_matrix where content_hash = $1 limit 1",
    [contentHash],
  );
  return found.rows[0]?.findings ?? null;
}

async function keepVerdict(db: Queryable, entry: MatrixEntry): Promise<void> {
  await db.query(
    `insert into compatibility_matrix (consumer, consumer_revision, provider, provider_revision,
       content_hash, verdict, findings)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (consumer_revision, provider_revision, content_hash)
       do update set checked_at = now()`,
    [
      entry.consumer,
      entry.consumerRevision,
      entry.provider,
      entry.providerRevision,
      entry.contentHash,
      entry.verdict,
      JSON.stringify(entry.findings),
    ],
  );
}
