/**
 * Idempotency keys (draft-ietf-httpapi-idempotency-key-header): the same principal, route, key and
 * body get the same answer; another body is refused.
 *
 *   claim ── new ──────────────> run handler ──> complete ──> answer
 *     ├── known, answered ─────> replay
 *     ├── known, unanswered ───> run the handler again with the same `operation`
 *     └── known, other body ───> 422
 *
 * There is no lock: an instance that dies leaves nothing behind that others would wait for. Two
 * runs at once are harmless, as handlers derive all ids from `operation`; the first answer stays.
 * Except that what was done is never told as refused: a run that was refused (before what it asks
 * for was there, say) may end before a run that is carried out, so a success replaces a refusal.
 *
 * A service with idempotent routes has this table in its migrations:
 *
 *   create table idempotency_keys (
 *     principal text not null, route text not null, key text not null,
 *     body_digest text not null, operation text not null,
 *     status int, reply jsonb, created_at timestamptz not null default now(),
 *     primary key (principal, route, key));
 *   create index on idempotency_keys (created_at);
 *   grant select, insert, update, delete on idempotency_keys to <service>_app;
 */
import { createHash, randomBytes } from "node:crypto";
import { CodedError, commonErrors } from "@tideway/kernel";
import { canonicalJson } from "@tideway/schema";
import type { Queryable } from "@tideway/store";
import { toProblem } from "./problem.ts";

export interface IdempotencyScope {
  /** The person, else the calling service. */
  readonly principal: string;
  readonly route: string;
  readonly key: string;
}

export interface StoredAnswer {
  readonly status: number;
  readonly reply: unknown;
}

export type Claim =
  | {
      readonly kind: "run";
      readonly operation: string;
      /** False when no run of this operation can have begun before. */
      readonly isRepeat: boolean;
    }
  | { readonly kind: "replay"; readonly answer: StoredAnswer };

/** How long an answer is kept. */
export const IDEMPOTENCY_KEPT_HOURS = 72;
const SWEEP_ROWS_MAX = 5_000;
/** A sweep comes every ten minutes, so it keeps up with 1,600 keys a second. */
const SWEEP_BATCHES_MAX = 200;

/** Checks a key from a header. Throws IDEMPOTENCY_KEY_MISSING or IDEMPOTENCY_KEY_INVALID. */
export function checkIdempotencyKey(key: string | undefined): string {
  if (key === undefined || key === "") throw commonErrors.error("IDEMPOTENCY_KEY_MISSING");
  if (!/^[\x21-\x7e]{8,255}$/.test(key)) throw commonErrors.error("IDEMPOTENCY_KEY_INVALID");
  return key;
}

/** Hex SHA-256 over what must be the same: path parameters and body. */
export function digestRequest(params: unknown, body: unknown): string {
  return createHash("sha256").update(canonicalJson({ params, body })).digest("hex");
}

interface KeyRow {
  readonly body_digest: string;
  readonly operation: string;
  readonly status: number | null;
  readonly reply: unknown;
}

/** Takes the key, or finds what it was taken for. Throws IDEMPOTENCY_KEY_REUSED. */
export async function claimKey(
  db: Queryable,
  scope: IdempotencyScope,
  bodyDigest: string,
): Promise<Claim> {
  const operation = randomBytes(16).toString("hex");
  const values = [scope.principal, scope.route, scope.key];
  const inserted = await db.query({
    name: "tideway-claim-key",
    text: `insert into idempotency_keys (principal, route, key, body_digest, operation)
           values ($1, $2, $3, $4, $5) on conflict do nothing`,
    values: [...values, bodyDigest, operation],
  });
  if (inserted.rowCount === 1) return { kind: "run", operation, isRepeat: false };
  const row = await readKey(db, values);
  if (row.body_digest !== bodyDigest) throw commonErrors.error("IDEMPOTENCY_KEY_REUSED");
  if (row.status === null) return { kind: "run", operation: row.operation, isRepeat: true };
  return { kind: "replay", answer: { status: row.status, reply: row.reply } };
}

/**
 * Keeps the answer, unless one was kept already; answers the one that holds. A success holds
 * against a refusal, in whatever order the two come.
 *
 * The first answer, if a success, does not wait for the disk: what was done was committed before it,
 * by the handler, and should a crash of the server forget the answer, the operation's next run gives
 * it again. A refusal may be all there is of its request, and a success that replaces one must not
 * leave it behind, so both wait.
 */
export async function completeKey(
  db: Queryable,
  scope: IdempotencyScope,
  answer: StoredAnswer,
): Promise<StoredAnswer> {
  const values = [scope.principal, scope.route, scope.key];
  const updated = await db.query({
    name: "tideway-complete-key",
    text: `update idempotency_keys set reply = $5,
             status = case when status is null and $4::int < 400
               and set_config('synchronous_commit', 'off', true) = 'off' then $4::int else $4 end
           where principal = $1 and route = $2 and key = $3
             and (status is null or (status >= 400 and $4::int < 400))`,
    values: [...values, answer.status, JSON.stringify(answer.reply)],
  });
  if (updated.rowCount === 1) return answer;
  const row = await readKey(db, values);
  if (row.status === null) throw new Error("The idempotency key's row vanished under its request.");
  return { status: row.status, reply: row.reply };
}

/** A refusal is an answer too: it is kept, unless trying again may help. */
export function refusalOf(error: unknown, traceId: string): StoredAnswer | null {
  if (!(error instanceof CodedError)) return null;
  if (error.definition.retryable || error.definition.status >= 500) return null;
  return { status: error.definition.status, reply: toProblem(error, traceId) };
}

/** Forgets old keys, in batches of 5,000 and at most 1,000,000 a call; answers how many. */
export async function sweepKeys(db: Queryable): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < SWEEP_BATCHES_MAX; batch++) {
    const swept = await sweepBatch(db);
    total += swept;
    if (swept < SWEEP_ROWS_MAX) break;
  }
  return total;
}

async function sweepBatch(db: Queryable): Promise<number> {
  const swept = await db.query(
    `delete from idempotency_keys where (principal, route, key) in (
       select principal, route, key from idempotency_keys
       where created_at < now() - make_interval(hours => $1) order by created_at limit $2)`,
    [IDEMPOTENCY_KEPT_HOURS, SWEEP_ROWS_MAX],
  );
  return swept.rowCount ?? 0;
}

async function readKey(db: Queryable, values: readonly string[]): Promise<KeyRow> {
  const found = await db.query<KeyRow>(
    `select body_digest, operation, status, reply from idempotency_keys
     where principal = $1 and route = $2 and key = $3`,
    [...values],
  );
  const row = found.rows[0];
  if (row === undefined) throw new Error("The idempotency key's row vanished under its request.");
  return row;
}
