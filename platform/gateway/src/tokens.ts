/**
 * Whose token it is. Verifying an EdDSA signature costs some 90 us, so a result is kept by the
 * whole token until the token expires (a bounded LRU). Only good tokens are kept: a flood of
 * forged ones must not push them out.
 *
 * Keys are kept while the service that publishes them is down. A token under a key we do not know
 * fetches them again, at most once in 5 s.
 */
import { commonErrors } from "@tideway/kernel";
import type { Clock, CodedError } from "@tideway/kernel";
import { decodeProtectedHeader, errors as joseErrors, importJWK, jwtVerify } from "jose";
import type { CryptoKey } from "jose";
import { KEYS_AGE_MS, KEYS_REFRESH_MS, TOKEN_CACHE_MAX, TOKENS_VERIFYING_MAX } from "./limits.ts";

export interface TokenOptions {
  /** Reads the published key set; rejects when it cannot be had. */
  readonly fetchKeys: () => Promise<unknown>;
  readonly clock: Clock;
}

interface Known {
  readonly person: string;
  readonly expiresAtMs: number;
}

const PERSON = /^[\x21-\x7e]{1,80}$/;

export class TokenVerifier {
  readonly #options: TokenOptions;
  readonly #known = new Map<string, Known>();
  readonly #verifying = new Map<string, Promise<string>>();
  #issuer = "";
  #keys: ReadonlyMap<string, CryptoKey> = new Map();
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #loadedAtMs = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | null = null;

  constructor(options: TokenOptions) {
    this.#options = options;
  }

  /** Another issuer makes every earlier result void. */
  configure(issuer: string): void {
    if (issuer !== this.#issuer) this.#known.clear();
    this.#issuer = issuer;
  }

  /** The person of a token verified before, or null. */
  cached(token: string): string | null {
    const known = this.#known.get(token);
    if (known === undefined) return null;
    this.#known.delete(token);
    if (known.expiresAtMs <= this.#options.clock.now()) return null;
    this.#known.set(token, known);
    return known.person;
  }

  /** The person. Rejects with TOKEN_INVALID, or UPSTREAM_UNAVAILABLE while no key can be had. */
  async verify(token: string): Promise<string> {
    const under = this.#verifying.get(token);
    if (under !== undefined) return await under;
    if (this.#verifying.size >= TOKENS_VERIFYING_MAX) {
      throw commonErrors.error("OVERLOADED", { given: { service: "The gateway" } });
    }
    const verifying = this.#verify(token);
    this.#verifying.set(token, verifying);
    try {
      return await verifying;
    } finally {
      this.#verifying.delete(token);
    }
  }

  async #verify(token: string): Promise<string> {
    const key = await this.#keyOf(token);
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ["EdDSA"],
        issuer: this.#issuer,
        requiredClaims: ["exp", "sub"],
        currentDate: new Date(this.#options.clock.now()),
      });
      const { sub, exp } = payload;
      if (sub === undefined || exp === undefined || !PERSON.test(sub)) throw invalid("no subject");
      this.#remember(token, { person: sub, expiresAtMs: exp * 1_000 });
      return sub;
    } catch (error) {
      throw toInvalid(error);
    }
  }

  async #keyOf(token: string): Promise<CryptoKey> {
    const kid = kidOf(token);
    const nowMs = this.#options.clock.monotonic();
    const known = this.#keys.get(kid);
    if (known !== undefined) {
      // Keys that were taken back must go too: look again from time to time, behind the request.
      if (nowMs - this.#loadedAtMs > KEYS_AGE_MS) this.#reload(nowMs).catch(() => undefined);
      return known;
    }
    await this.#reload(nowMs);
    const fresh = this.#keys.get(kid);
    if (fresh === undefined) throw invalid("it is signed by an unknown key");
    return fresh;
  }

  /** Fetches at most once in 5 s; callers in between share the result there is. */
  async #reload(nowMs: number): Promise<void> {
    if (this.#loading === null && nowMs - this.#askedAtMs >= KEYS_REFRESH_MS) {
      this.#askedAtMs = nowMs;
      this.#loading = this.#load().finally(() => {
        this.#loading = null;
      });
    }
    try {
      if (this.#loading !== null) await this.#loading;
    } catch (cause) {
      if (this.#keys.size === 0) throw keysUnavailable(cause);
    }
    if (this.#keys.size === 0) throw keysUnavailable(undefined);
  }

  async #load(): Promise<void> {
    const keys = await readKeys(await this.#options.fetchKeys());
    for (const kid of this.#keys.keys()) {
      // A key taken back takes its tokens with it.
      if (!keys.has(kid)) this.#known.clear();
    }
    this.#keys = keys;
    this.#loadedAtMs = this.#options.clock.monotonic();
  }

  #remember(token: string, known: Known): void {
    if (this.#known.size >= TOKEN_CACHE_MAX) {
      const oldest = this.#known.keys().next().value;
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.set(token, known);
  }
}

function kidOf(token: string): string {
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(token);
  } catch {
    throw invalid("it is malformed");
  }
  if (header.alg !== "EdDSA") throw invalid("its algorithm is not EdDSA");
  if (typeof header.kid !== "string" || header.kid === "") throw invalid("it names no key");
  return header.kid;
}

async function readKeys(document: unknown): Promise<Map<string, CryptoKey>> {
  const listed: unknown = Reflect.get(Object(document), "keys");
  const keys = new Map<string, CryptoKey>();
  if (!Array.isArray(listed)) throw new Error("The key set has no list of keys.");
  for (const item of listed.slice(0, 20)) {
    const { kty, crv, x, kid }: Record<string, unknown> = Object(item);
    // Keys of another kind are not ours; they do not make the whole set unusable.
    if (kty !== "OKP" || crv !== "Ed25519" || typeof x !== "string" || typeof kid !== "string") {
      continue;
    }
    const key = await importJWK({ kty, crv, x, alg: "EdDSA" }, "EdDSA");
    if (!(key instanceof Uint8Array)) keys.set(kid, key);
  }
  return keys;
}

function toInvalid(error: unknown): unknown {
  if (error instanceof joseErrors.JWTExpired) return invalid("it has expired", error);
  if (error instanceof joseErrors.JWTClaimValidationFailed) {
    return invalid(`its claim ${error.claim} is wrong`, error);
  }
  if (error instanceof joseErrors.JWSSignatureVerificationFailed) {
    return invalid("its signature does not match", error);
  }
  return error instanceof joseErrors.JOSEError ? invalid("it is malformed", error) : error;
}

function invalid(reason: string, cause?: unknown): CodedError {
  return commonErrors.error("TOKEN_INVALID", { given: { reason }, cause });
}

function keysUnavailable(cause: unknown): CodedError {
  return commonErrors.error("UPSTREAM_UNAVAILABLE", {
    given: { service: "The service that publishes the keys of tokens" },
    cause,
  });
}
