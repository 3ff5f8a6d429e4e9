/**
 * The refresh token for browsers. The cookie reaches only the session routes and no other site can
 * send it; everything else needs the access token in a header.
 */
export const SESSION_COOKIE = "tideway_session";
const PATH = "/api/identity/sessions";

export interface CookieOptions {
  readonly secure: boolean;
  /** Seconds it lives; 0 removes it. */
  readonly maxAgeSeconds: number;
}

/** The value of `set-cookie`. */
export function sessionCookie(token: string, options: CookieOptions): string {
  const parts = [
    `${SESSION_COOKIE}=${token}`,
    `Path=${PATH}`,
    `Max-Age=${options.maxAgeSeconds}`,
    "HttpOnly",
    "SameSite=Strict",
  ];
  if (options.secure) parts.push("Secure");
  return parts.join("; ");
}

/** The refresh token in a `cookie` header, or null. */
export function readSessionCookie(header: string | undefined): string | null {
  for (const part of (header ?? "").split(";")) {
    const [name, value] = part.trim().split("=", 2);
    if (name === SESSION_COOKIE && value !== undefined && value !== "") return value;
  }
  return null;
}
