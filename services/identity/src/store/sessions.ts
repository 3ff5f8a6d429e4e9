import { idToUuid, uuidToId } from "@tideway/kernel";
import type { Queryable, Transaction } from "@tideway/store";
import type { RefreshTokenState } from "../domain/refresh.ts";
import { toDate, toMs, toMsOrNull } from "./time.ts";

export interface NewSession {
  /** ses_... */
  readonly session: string;
  readonly person: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export interface NewRefreshToken {
  readonly hash: Buffer;
  readonly session: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

export interface FoundRefreshToken extends RefreshTokenState {
  readonly session: string;
  readonly person: string;
}

export type EndReason = "signed-out" | "token-reused";

export async function insertSession(db: Queryable, session: NewSession): Promise<void> {
  await db.query(
    "insert into sessions (session, person, created_at, expires_at) values ($1, $2, $3, $4)",
    [
      idToUuid("ses", session.session),
      idToUuid("per", session.person),
      toDate(session.createdAtMs),
      toDate(session.expiresAtMs),
    ],
  );
}

export async function insertRefreshToken(db: Queryable, token: NewRefreshToken): Promise<void> {
  await db.query(
    `insert into refresh_tokens (token_hash, session, issued_at, expires_at)
     values ($1, $2, $3, $4)`,
    [
      token.hash,
      idToUuid("ses", token.session),
      toDate(token.issuedAtMs),
      toDate(token.expiresAtMs),
    ],
  );
}

interface TokenRow {
  readonly session: string;
  readonly person: string;
  readonly expires_at: Date;
  readonly rotated_at: Date | null;
  readonly grace_uses: number;
  readonly session_expires_at: Date;
  readonly ended_at: Date | null;
}

/** The token with its session, both locked: two refreshes of one session follow each other. */
export async function lockRefreshToken(
  t: Transaction,
  hash: Buffer,
): Promise<FoundRefreshToken | null> {
  const found = await t.query<TokenRow>(
    `select s.session, s.person, r.expires_at, r.rotated_at, r.grace_uses,
            s.expires_at as session_expires_at, s.ended_at
     from refresh_tokens r join sessions s on s.session = r.session
     where r.token_hash = $1 for update of r, s`,
    [hash],
  );
  const row = found.rows[0];
  if (row === undefined) return null;
  return {
    session: uuidToId("ses", row.session),
    person: uuidToId("per", row.person),
    expiresAtMs: toMs(row.expires_at),
    rotatedAtMs: toMsOrNull(row.rotated_at),
    graceUses: row.grace_uses,
    sessionExpiresAtMs: toMs(row.session_expires_at),
    sessionEndedAtMs: toMsOrNull(row.ended_at),
  };
}

export async function markRotated(t: Transaction, hash: Buffer, nowMs: number): Promise<void> {
  await t.query(
    "update refresh_tokens set rotated_at = $2 where token_hash = $1 and rotated_at is null",
    [hash, toDate(nowMs)],
  );
}

export async function countGraceUse(t: Transaction, hash: Buffer): Promise<void> {
  await t.query("update refresh_tokens set grace_uses = grace_uses + 1 where token_hash = $1", [
    hash,
  ]);
}

export interface SessionEnd {
  readonly session: string;
  readonly reason: EndReason;
  readonly nowMs: number;
}

/** Ends a session; one that has ended keeps its first reason. */
export async function endSession(db: Queryable, end: SessionEnd): Promise<void> {
  await db.query(
    `update sessions set ended_at = $2, end_reason = $3
     where session = $1 and ended_at is null`,
    [idToUuid("ses", end.session), toDate(end.nowMs), end.reason],
  );
}

/** Forgets sessions that are over, their tokens with them; at most `rowsMax` a call. */
export async function sweepSessions(
  db: Queryable,
  sweep: { readonly endedBeforeMs: number; readonly nowMs: number; readonly rowsMax: number },
): Promise<number> {
  const swept = await db.query(
    `delete from sessions where session in (
       select session from sessions where expires_at < $1 or ended_at < $2 limit $3)`,
    [toDate(sweep.nowMs), toDate(sweep.endedBeforeMs), sweep.rowsMax],
  );
  return swept.rowCount ?? 0;
}

/** Forgets refresh tokens that have expired; at most `rowsMax` a call. */
export async function sweepRefreshTokens(
  db: Queryable,
  sweep: { readonly nowMs: number; readonly rowsMax: number },
): Promise<number> {
  const swept = await db.query(
    `delete from refresh_tokens where token_hash in (
       select token_hash from refresh_tokens where expires_at < $1 limit $2)`,
    [toDate(sweep.nowMs), sweep.rowsMax],
  );
  return swept.rowCount ?? 0;
}
