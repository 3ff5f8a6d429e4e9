/** SQL of operators and their sign-ins. */
import type { Queryable } from "@tideway/store";

export interface OperatorRow {
  readonly operator: string;
  readonly name: string;
  readonly password_hash: string;
  readonly failures: number;
  readonly locked_seconds: number;
}

export async function findOperator(db: Queryable, name: string): Promise<OperatorRow | null> {
  const found = await db.query<OperatorRow>(
    `select operator, name, password_hash, failures,
       greatest(0, ceil(extract(epoch from coalesce(locked_until, now()) - now())))::int
         as locked_seconds
     from operators where name = $1`,
    [name],
  );
  return found.rows[0] ?? null;
}

/** Adds an operator; an existing name keeps its password. Answers whether it was added. */
export async function addOperator(
  db: Queryable,
  row: { readonly operator: string; readonly name: string; readonly passwordHash: string },
): Promise<boolean> {
  const inserted = await db.query(
    `insert into operators (operator, name, password_hash) values ($1, $2, $3)
     on conflict (name) do nothing`,
    [row.operator, row.name, row.passwordHash],
  );
  return inserted.rowCount === 1;
}

/**
 * Counts an attempt as if it had failed, until `clearFailures`; from the fifth on the wait doubles,
 * up to 15 minutes. False when the operator must wait: of many at once only the first few get past.
 */
export async function countAttempt(db: Queryable, operator: string): Promise<boolean> {
  const counted = await db.query(
    `update operators set failures = failures + 1,
       locked_until = case when failures + 1 >= 5
         then now() + least(interval '15 minutes', interval '5 seconds' * 2 ^ least(20, failures - 4))
         else null end
     where operator = $1 and (locked_until is null or locked_until <= now())`,
    [operator],
  );
  return counted.rowCount === 1;
}

export async function clearFailures(db: Queryable, operator: string): Promise<void> {
  await db.query("update operators set failures = 0, locked_until = null where operator = $1", [
    operator,
  ]);
}

/** Sessions an operator may have at once; the newest stay. */
const SESSIONS_MAX = 20;

export async function insertSession(
  db: Queryable,
  session: { readonly tokenHash: string; readonly operator: string; readonly hours: number },
): Promise<void> {
  await db.query("delete from operator_sessions where expires_at < now()");
  await db.query(
    `insert into operator_sessions (token_hash, operator, expires_at)
     values ($1, $2, now() + make_interval(hours => $3))`,
    [session.tokenHash, session.operator, session.hours],
  );
  await db.query(
    `delete from operator_sessions where token_hash in (
       select token_hash from operator_sessions where operator = $1
       order by expires_at desc offset $2)`,
    [session.operator, SESSIONS_MAX],
  );
}

export async function findSession(
  db: Queryable,
  tokenHash: string,
): Promise<{ readonly operator: string; readonly name: string } | null> {
  const found = await db.query<{ operator: string; name: string }>(
    `select o.operator, o.name from operator_sessions s join operators o using (operator)
     where s.token_hash = $1 and s.expires_at > now()`,
    [tokenHash],
  );
  return found.rows[0] ?? null;
}

export async function deleteSession(db: Queryable, tokenHash: string): Promise<void> {
  await db.query("delete from operator_sessions where token_hash = $1", [tokenHash]);
}
