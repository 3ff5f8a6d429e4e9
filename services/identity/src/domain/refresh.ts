/**
 * The life of a refresh token:
 *
 *   fresh ── used ──> rotated ── used within 10 s ──> another successor (two tabs raced)
 *                        └────── used later ────────> the whole session ends
 *
 * A token used long after its rotation is in two hands, and nobody can tell whose are honest.
 */
export const GRACE_MS = 10_000;
export const GRACE_USES_MAX = 10;
export const REFRESH_VALID_MS = 30 * 86_400_000;
export const SESSION_VALID_MS = 180 * 86_400_000;

export interface RefreshTokenState {
  readonly expiresAtMs: number;
  readonly rotatedAtMs: number | null;
  readonly graceUses: number;
  readonly sessionExpiresAtMs: number;
  readonly sessionEndedAtMs: number | null;
}

export type RefreshDecision = "rotate" | "rotate-in-grace" | "end-session" | "refuse";

export function decideRefresh(token: RefreshTokenState, nowMs: number): RefreshDecision {
  if (token.sessionEndedAtMs !== null) return "refuse";
  if (token.sessionExpiresAtMs <= nowMs || token.expiresAtMs <= nowMs) return "refuse";
  if (token.rotatedAtMs === null) return "rotate";
  const inGrace = nowMs - token.rotatedAtMs <= GRACE_MS && token.graceUses < GRACE_USES_MAX;
  return inGrace ? "rotate-in-grace" : "end-session";
}

/** When a refresh token issued now expires: never after its session. */
export function refreshExpiryMs(nowMs: number, sessionExpiresAtMs: number): number {
  return Math.min(nowMs + REFRESH_VALID_MS, sessionExpiresAtMs);
}
