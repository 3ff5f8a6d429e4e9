/**
 * The operators' audit log. Each row carries the SHA-256 of the row before it and of itself, so
 * that a changed or removed row shows.
 */
import { createHash } from "node:crypto";
import { canonicalJson } from "@tideway/schema";
import { tx } from "@tideway/store";
import type { Pool, Queryable } from "@tideway/store";

export interface AuditEntry {
  readonly operator: string;
  /** What was done: "rollout.abort". */
  readonly action: string;
  /** To what: "payments", "rol_...". */
  readonly subject: string;
  readonly detail: string;
}

export interface AuditRow extends AuditEntry {
  readonly at: Date;
}

const FIRST_HASH = "0".repeat(64);

/** Appends one entry; entries are serialised so that the chain has no forks. */
export async function writeAudit(pool: Pool, entry: AuditEntry, nowMs: number): Promise<void> {
  await tx(pool, async (t) => {
    await t.query("select pg_advisory_xact_lock(hashtext('tideway audit'))");
    const last = await t.query<{ hash: string }>(
      "select hash from audit_log order by id desc limit 1",
    );
    const at = new Date(nowMs);
    const hash = hashEntry(last.rows[0]?.hash ?? FIRST_HASH, entry, at);
    await t.query(
      `insert into audit_log (at, operator, action, subject, detail, hash)
       values ($1, $2, $3, $4, $5, $6)`,
      [at, entry.operator, entry.action, entry.subject, entry.detail, hash],
    );
  });
}

export async function readAudit(db: Queryable, limit: number): Promise<AuditRow[]> {
  const found = await db.query<AuditRow>(
    "select at, operator, action, subject, detail from audit_log order by id desc limit $1",
    [limit],
  );
  return found.rows;
}

const VERIFY_BATCH = 1_000;

/** The id of the first row that breaks the chain, or null when all of it holds. */
export async function findBrokenAudit(db: Queryable): Promise<string | null> {
  let hash = FIRST_HASH;
  let after = "0";
  for (;;) {
    const batch = await db.query<AuditRow & { id: string; hash: string }>(
      `select id, at, operator, action, subject, detail, hash from audit_log
       where id > $1 order by id limit $2`,
      [after, VERIFY_BATCH],
    );
    for (const row of batch.rows) {
      hash = hashEntry(hash, row, row.at);
      if (hash !== row.hash) return row.id;
      after = row.id;
    }
    if (batch.rows.length < VERIFY_BATCH) return null;
  }
}

function hashEntry(before: string, entry: AuditEntry, at: Date): string {
  const { operator, action, subject, detail } = entry;
  const text = canonicalJson({ before, at: at.toISOString(), operator, action, subject, detail });
  return createHash("sha256").update(text).digest("hex");
}
