/** The cookie by which somebody who is not signed in keeps meeting one revision. */
import { randomBytes } from "node:crypto";

export const VISITOR_COOKIE = "tideway_visitor";
const COOKIE = /(?:^|;\s*)tideway_visitor=([A-Za-z0-9_-]{22})(?:;|$)/;
const AGE_SECONDS = 30 * 86_400;

/** The visitor's id, or null when the cookie is missing or not one of ours by its form. */
export function visitorOf(cookie: string | null): string | null {
  if (cookie === null || !cookie.includes(VISITOR_COOKIE)) return null;
  return COOKIE.exec(cookie)?.[1] ?? null;
}

export function newVisitor(): string {
  return randomBytes(16).toString("base64url");
}

/** The value of a `set-cookie` header. */
export function visitorCookie(visitor: string, isSecure: boolean): string {
  const secure = isSecure ? "; Secure" : "";
  return `${VISITOR_COOKIE}=${visitor}; Path=/; Max-Age=${AGE_SECONDS}; HttpOnly; SameSite=Lax${secure}`;
}
