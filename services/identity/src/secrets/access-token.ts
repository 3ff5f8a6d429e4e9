/** Access tokens: EdDSA (RFC 8037), ten minutes, checked by the gateway against `/keys`. */
import { TOKEN_ISSUER } from "@tideway/api-identity";
import { newId } from "@tideway/kernel";
import { SignJWT } from "jose";
import { ACCESS_VALID_MS } from "../domain/key-schedule.ts";
import type { KeyRing } from "./key-ring.ts";

export interface AccessToken {
  readonly token: string;
  /** Milliseconds since 1970; whole seconds, as the token's own `exp`. */
  readonly expiresAtMs: number;
}

export interface AccessTokenOptions {
  readonly person: string;
  readonly session: string;
  readonly nowMs: number;
}

/** Signs a token that says: this person, in this session, until then. */
export async function signAccessToken(
  keys: KeyRing,
  { person, session, nowMs }: AccessTokenOptions,
): Promise<AccessToken> {
  const key = await keys.current();
  const issuedAt = Math.floor(nowMs / 1_000);
  const expiresAt = issuedAt + ACCESS_VALID_MS / 1_000;
  const token = await new SignJWT({ sid: session })
    .setProtectedHeader({ alg: "EdDSA", kid: key.kid, typ: "JWT" })
    .setIssuer(TOKEN_ISSUER)
    .setSubject(person)
    .setJti(newId("tok", nowMs))
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .sign(key.privateKey);
  return { token, expiresAtMs: expiresAt * 1_000 };
}
