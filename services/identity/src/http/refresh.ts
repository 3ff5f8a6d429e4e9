import { identityErrors } from "@tideway/api-identity";
import type { Handler } from "@tideway/http";
import { unreachable } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Transaction } from "@tideway/store";
import type { Dependencies, Routes } from "../dependencies.ts";
import { decideRefresh } from "../domain/refresh.ts";
import { refreshTokenHash } from "../secrets/refresh-token.ts";
import { issueRefreshToken } from "../start-session.ts";
import type { IssuedSession } from "../start-session.ts";
import { findPersonById } from "../store/people.ts";
import { countGraceUse, endSession, lockRefreshToken, markRotated } from "../store/sessions.ts";
import type { FoundRefreshToken } from "../store/sessions.ts";
import { readSessionCookie } from "./session-cookie.ts";
import { forgetCookie, replySession } from "./session-reply.ts";

/** Renews the access token; the refresh token is used up and replaced. */
export function refresh(deps: Dependencies): Handler<Routes["refresh"]> {
  return async (request) => {
    const token = request.body.refreshToken ?? readSessionCookie(request.header("cookie"));
    const hash = token === null ? null : refreshTokenHash(token);
    // The end of a session is an effect to be committed, so the refusal is thrown afterwards.
    const issued = hash === null ? null : await tx(deps.pool, (t) => rotate(deps, t, hash));
    if (issued === null) {
      forgetCookie(deps, request);
      throw identityErrors.error("SESSION_ENDED");
    }
    return replySession(deps, request, issued);
  };
}

async function rotate(
  { clock }: Dependencies,
  t: Transaction,
  hash: Buffer,
): Promise<IssuedSession | null> {
  const nowMs = clock.now();
  const found = await lockRefreshToken(t, hash);
  if (found === null) return null;
  const decision = decideRefresh(found, nowMs);
  switch (decision) {
    case "refuse":
      return null;
    case "end-session":
      await endSession(t, { session: found.session, reason: "token-reused", nowMs });
      return null;
    case "rotate":
      await markRotated(t, hash, nowMs);
      return succeed(t, found, nowMs);
    case "rotate-in-grace":
      await countGraceUse(t, hash);
      return succeed(t, found, nowMs);
    default:
      return unreachable(decision);
  }
}

async function succeed(
  t: Transaction,
  found: FoundRefreshToken,
  nowMs: number,
): Promise<IssuedSession | null> {
  const person = await findPersonById(t, found.person);
  if (person === null) return null;
  const { session, sessionExpiresAtMs } = found;
  return issueRefreshToken(t, { session, person, nowMs, sessionExpiresAtMs });
}
