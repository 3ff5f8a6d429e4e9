/**
 * What the gateway vouches for when it hands a request to an instance:
 *
 *   tideway-assertion: v1.<base64url(JSON of Assertion)>.<base64url(HMAC-SHA-256)>
 *
 * signed under the callee's own key, bound to method and path, and valid for 30 s. An instance
 * believes nothing else about its caller.
 */
import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { commonErrors } from "@tideway/kernel";

export const ASSERTION_HEADER = "tideway-assertion";
export const ASSERTION_VALID_MS = 30_000;

export interface GrantClaim {
  readonly operation: "open" | "read" | "transfer" | "hold";
  readonly account?: number;
  readonly debit?: number;
  readonly credit?: number;
  readonly code?: string;
}

export interface Assertion {
  /** The calling service, or null when the request came through the public listener. */
  readonly caller: string | null;
  /** The caller's revision, for example payments-7. */
  readonly revision: string | null;
  readonly instance: string | null;
  /** The service this is meant for. */
  readonly audience: string;
  readonly method: string;
  /** Path and query as the callee receives them. */
  readonly path: string;
  /** The signed-in person whose token the gateway verified, or null. */
  readonly person: string | null;
  /** The caller's grants, only for a callee that enforces them. */
  readonly grants?: readonly GrantClaim[];
  /** Milliseconds since 1970 after which it is void. */
  readonly expiresAtMs: number;
}

/** The key of an instance's assertions, made once: making it costs six times what one signature does. */
export function assertionSecret(keyHex: string): KeyObject {
  return createSecretKey(Buffer.from(keyHex, "hex"));
}

/** The value of a `tideway-assertion` header, under the callee's key. */
export function signAssertion(assertion: Assertion, key: KeyObject): string {
  const body = `v1.${Buffer.from(JSON.stringify(assertion)).toString("base64url")}`;
  return `${body}.${mac(body, key).toString("base64url")}`;
}

export interface VerifyOptions {
  readonly key: KeyObject;
  readonly audience: string;
  readonly method: string;
  readonly path: string;
  readonly nowMs: number;
}

/** The assertion, or `CALLER_UNKNOWN` when it is missing, forged, stale or meant for another request. */
export function verifyAssertion(header: string | undefined, options: VerifyOptions): Assertion {
  const [version, body, signature] = (header ?? "").split(".");
  if (version !== "v1" || body === undefined || signature === undefined) throw unknown("missing");
  const given = Buffer.from(signature, "base64url");
  const expected = mac(`v1.${body}`, options.key);
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw unknown("forged");
  const assertion = JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as Assertion;
  if (assertion.audience !== options.audience) throw unknown("audience");
  if (assertion.method !== options.method || assertion.path !== options.path) throw unknown("path");
  if (assertion.expiresAtMs < options.nowMs) throw unknown("expired");
  return assertion;
}

function mac(signed: string, key: KeyObject): Buffer {
  return createHmac("sha256", key).update(signed).digest();
}

function unknown(reason: string): Error {
  return commonErrors.error("CALLER_UNKNOWN", { given: { reason } });
}
