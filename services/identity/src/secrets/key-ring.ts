/** The keys that sign access tokens: made when none is there, renewed in time, sealed at rest. */
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { present } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Pool, Transaction } from "@tideway/store";
import { calculateJwkThumbprint } from "jose";
import { planNextKey, signingKeyAt } from "../domain/key-schedule.ts";
import type { KeyTimes } from "../domain/key-schedule.ts";
import {
  deleteOverdueKeys,
  insertSigningKey,
  listSigningKeys,
  lockSigningKeys,
} from "../store/signing-keys.ts";
import type { SigningKeyRow } from "../store/signing-keys.ts";
import { open, seal } from "@tideway/trust";

export interface SigningKey extends KeyTimes {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

export interface KeyRing {
  /** Makes the next key when it is time, forgets those that are over, and reads all again. */
  refresh(): Promise<void>;
  /** The key that signs now. */
  current(): Promise<SigningKey>;
  /** Public keys (RFC 7517) of all tokens that may still be valid, and of the next key. */
  publicKeys(): readonly Record<string, unknown>[];
}

export interface KeyRingOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  /** 32 bytes that seal the private keys. */
  readonly sealingKey: Buffer;
}

export function createKeyRing({ pool, clock, sealingKey }: KeyRingOptions): KeyRing {
  let rows: readonly SigningKeyRow[] = [];
  const opened = new Map<string, SigningKey>();
  const refresh = async (): Promise<void> => {
    // Under a lock, so that of many instances that start at once one makes the key.
    rows = await tx(pool, async (t) => {
      await lockSigningKeys(t);
      await deleteOverdueKeys(t, clock.now());
      const known = await listSigningKeys(t);
      const times = planNextKey(known, clock.now());
      return times === null ? known : [...known, await makeKey(t, times, sealingKey)];
    });
  };
  return {
    refresh,
    current: async () => {
      if (signingKeyAt(rows, clock.now()) === undefined) await refresh();
      const row = present(signingKeyAt(rows, clock.now()), "A refresh leaves a key that signs.");
      const key = opened.get(row.kid) ?? openKey(row, sealingKey);
      opened.set(row.kid, key);
      return key;
    },
    publicKeys: () =>
      rows.filter((row) => row.verifiesUntilMs > clock.now()).map((row) => row.publicJwk),
  };
}

async function makeKey(
  t: Transaction,
  times: KeyTimes,
  sealingKey: Buffer,
): Promise<SigningKeyRow> {
  const pair = generateKeyPairSync("ed25519");
  const jwk = pair.publicKey.export({ format: "jwk" });
  const kid = await calculateJwkThumbprint({ ...jwk, kty: "OKP" });
  const pkcs8 = pair.privateKey.export({ format: "der", type: "pkcs8" });
  const row: SigningKeyRow = {
    ...times,
    kid,
    publicJwk: { ...jwk, kid, alg: "EdDSA", use: "sig" },
    privateSealed: seal(sealingKey, pkcs8, contextOf(kid)),
  };
  await insertSigningKey(t, row);
  return row;
}

function openKey(row: SigningKeyRow, sealingKey: Buffer): SigningKey {
  try {
    const der = open(sealingKey, row.privateSealed, contextOf(row.kid));
    return { ...row, privateKey: createPrivateKey({ key: der, format: "der", type: "pkcs8" }) };
  } catch (error) {
    throw new Error(
      `The signing key ${row.kid} does not open under TIDEWAY_SERVICE_KEY. Restore the key that ` +
        "this database was used with, or delete the row: everybody then signs in again.",
      { cause: error },
    );
  }
}

function contextOf(kid: string): string {
  return `identity signing key ${kid}`;
}
