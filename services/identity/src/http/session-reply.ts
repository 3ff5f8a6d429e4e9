/** What sign-up, sign-in and refresh answer alike: tokens, cookie and person. */
import type { identityApi } from "@tideway/api-identity";
import { toTimestamp } from "@tideway/kernel";
import type { ReplyOf } from "@tideway/schema";
import type { Dependencies } from "../dependencies.ts";
import { signAccessToken } from "../secrets/access-token.ts";
import type { IssuedSession } from "../start-session.ts";
import { sessionCookie } from "./session-cookie.ts";

type SessionReply = ReplyOf<(typeof identityApi)["routes"]["signIn"]>;

interface Replying {
  setHeader(name: string, value: string): void;
}

/** Signs the access token, sets the cookie and forms the reply. */
export async function replySession(
  { keys, clock, secureCookies }: Dependencies,
  request: Replying,
  issued: IssuedSession,
): Promise<SessionReply> {
  const nowMs = clock.now();
  const { person, email, name } = issued.person;
  const access = await signAccessToken(keys, { person, session: issued.session, nowMs });
  const maxAgeSeconds = Math.max(1, Math.floor((issued.refreshExpiresAtMs - nowMs) / 1_000));
  const cookie = sessionCookie(issued.refreshToken, { secure: secureCookies, maxAgeSeconds });
  request.setHeader("set-cookie", cookie);
  request.setHeader("cache-control", "no-store");
  return {
    accessToken: access.token,
    expiresAt: toTimestamp(access.expiresAtMs),
    refreshToken: issued.refreshToken,
    person: { person, email, name },
  };
}

/** Takes the cookie away. */
export function forgetCookie({ secureCookies }: Dependencies, request: Replying): void {
  request.setHeader("set-cookie", sessionCookie("", { secure: secureCookies, maxAgeSeconds: 0 }));
}
