import type { Handler } from "@tideway/http";
import { tx } from "@tideway/store";
import type { Dependencies, Routes } from "../dependencies.ts";
import { refreshTokenHash } from "../secrets/refresh-token.ts";
import { endSession, lockRefreshToken } from "../store/sessions.ts";
import { readSessionCookie } from "./session-cookie.ts";
import { forgetCookie } from "./session-reply.ts";

/** Ends the session of any of its refresh tokens; where there is none, nothing is left to do. */
export function signOut(deps: Dependencies): Handler<Routes["signOut"]> {
  return async (request) => {
    const token = request.body.refreshToken ?? readSessionCookie(request.header("cookie"));
    forgetCookie(deps, request);
    if (token === null) return {};
    const hash = refreshTokenHash(token);
    await tx(deps.pool, async (t) => {
      const found = await lockRefreshToken(t, hash);
      if (found === null) return;
      const nowMs = deps.clock.now();
      await endSession(t, { session: found.session, reason: "signed-out", nowMs });
    });
    return {};
  };
}
