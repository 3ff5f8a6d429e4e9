import { createHash, randomBytes } from "node:crypto";

const TOKEN_BYTES = 32;

/** A refresh token: 256 random bits. They need no slow hash, as nobody can guess them. */
export function newRefreshToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

/** What is stored of it. */
export function refreshTokenHash(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
