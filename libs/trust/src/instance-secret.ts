/**
 * An instance gets one secret when it starts. The gateway never holds it: it keeps the hash, to
 * recognise the instance as a caller, and a key derived from it, to sign assertions to the
 * instance as a callee.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** The header by which an instance tells the internal listener who it is: `<instance>:<secret>`. */
export const INSTANCE_HEADER = "tideway-instance";

export function newInstanceSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** Hex SHA-256 of the secret, for recognising the caller. */
export function authHashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Hex HMAC key under which the gateway signs assertions to this instance. */
export function assertionKeyOf(secret: string): string {
  return createHmac("sha256", secret).update("tideway assertion v1").digest("hex");
}

/** Compares hex digests in constant time. */
export function sameDigest(a: string, b: string): boolean {
  const left = Buffer.from(a, "hex");
  const right = Buffer.from(b, "hex");
  return left.length === right.length && left.length > 0 && timingSafeEqual(left, right);
}
