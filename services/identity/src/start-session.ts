import { newId } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import type { Transaction } from "@tideway/store";
import { SESSION_VALID_MS, refreshExpiryMs } from "./domain/refresh.ts";
import { newRefreshToken, refreshTokenHash } from "./secrets/refresh-token.ts";
import type { PersonRow } from "./store/people.ts";
import { insertRefreshToken, insertSession } from "./store/sessions.ts";

export interface IssuedSession {
  readonly session: string;
  readonly refreshToken: string;
  readonly refreshExpiresAtMs: number;
  readonly person: Pick<PersonRow, "person" | "email" | "name">;
}

/** Begins a session of a person who has proved who they are. */
export async function startSession(
  t: Transaction,
  clock: Clock,
  person: IssuedSession["person"],
): Promise<IssuedSession> {
  const nowMs = clock.now();
  const session = newId("ses", nowMs);
  const expiresAtMs = nowMs + SESSION_VALID_MS;
  await insertSession(t, { session, person: person.person, createdAtMs: nowMs, expiresAtMs });
  return issueRefreshToken(t, { session, person, nowMs, sessionExpiresAtMs: expiresAtMs });
}

export interface RefreshTokenIssue {
  readonly session: string;
  readonly person: IssuedSession["person"];
  readonly nowMs: number;
  readonly sessionExpiresAtMs: number;
}

/** Adds a refresh token to a session. Only its hash is stored. */
export async function issueRefreshToken(
  t: Transaction,
  { session, person, nowMs, sessionExpiresAtMs }: RefreshTokenIssue,
): Promise<IssuedSession> {
  const refreshToken = newRefreshToken();
  const expiresAtMs = refreshExpiryMs(nowMs, sessionExpiresAtMs);
  const hash = refreshTokenHash(refreshToken);
  await insertRefreshToken(t, { hash, session, issuedAtMs: nowMs, expiresAtMs });
  return { session, refreshToken, refreshExpiresAtMs: expiresAtMs, person };
}
