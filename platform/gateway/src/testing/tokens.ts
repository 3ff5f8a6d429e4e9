/** An identity service that publishes one Ed25519 key, and tokens signed by it. */
import { generateKeyPairSync, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { ISSUER, revision, route, service } from "./fixture.ts";
import type { Fixture } from "./fixture.ts";
import type { ServiceConfig } from "../config.ts";
import type { Upstream } from "./upstream.ts";

export interface Signer {
  readonly kid: string;
  readonly jwk: Record<string, unknown>;
  readonly key: KeyObject;
}

export interface TokenClaims {
  readonly sub?: string;
  readonly iss?: string;
  readonly exp?: number;
  readonly nbf?: number;
}

export function newSigner(kid: string): Signer {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { kid, key: privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid } };
}

/** A token good for ten minutes unless told otherwise. */
export function tokenFor(signer: Signer, claims: TokenClaims = {}): string {
  const payload = { iss: ISSUER, exp: Math.floor(Date.now() / 1_000) + 600, ...claims };
  const text = `${encode({ alg: "EdDSA", typ: "JWT", kid: signer.kid })}.${encode(payload)}`;
  return `${text}.${sign(null, Buffer.from(text), signer.key).toString("base64url")}`;
}

export function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

export interface Identity {
  readonly upstream: Upstream;
  readonly config: ServiceConfig;
  /** What /keys publishes. */
  signers: Signer[];
}

export async function startIdentity(fixture: Fixture, signers: Signer[]): Promise<Identity> {
  const identity = { signers };
  const upstream = await fixture.upstream({
    service: "identity",
    instance: "ins_identity",
    respond: (_, res) => {
      res.setHeader("content-type", "application/json");
      res.end(JSON.stringify({ keys: identity.signers.map((signer) => signer.jwk) }));
    },
  });
  return {
    upstream,
    config: service("identity", [revision("identity-1", [route("GET /keys")], [upstream])]),
    get signers() {
      return identity.signers;
    },
    set signers(next) {
      identity.signers = next;
    },
  };
}
