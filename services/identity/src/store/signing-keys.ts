import type { Queryable, Transaction } from "@tideway/store";
import type { KeyTimes } from "../domain/key-schedule.ts";
import { toDate, toMs } from "./time.ts";

export interface SigningKeyRow extends KeyTimes {
  readonly kid: string;
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly privateSealed: Buffer;
}

interface Row {
  readonly kid: string;
  readonly public_jwk: Record<string, unknown>;
  readonly private_sealed: Buffer;
  readonly signs_from: Date;
  readonly signs_until: Date;
  readonly verifies_until: Date;
}

/** Until the transaction ends, no other instance makes a key. */
export async function lockSigningKeys(t: Transaction): Promise<void> {
  await t.query("select pg_advisory_xact_lock(hashtext('tideway identity signing keys'))");
}

export async function listSigningKeys(db: Queryable): Promise<SigningKeyRow[]> {
  const found = await db.query<Row>(
    `select kid, public_jwk, private_sealed, signs_from, signs_until, verifies_until
     from signing_keys order by signs_from`,
  );
  return found.rows.map((row) => ({
    kid: row.kid,
    publicJwk: row.public_jwk,
    privateSealed: row.private_sealed,
    signsFromMs: toMs(row.signs_from),
    signsUntilMs: toMs(row.signs_until),
    verifiesUntilMs: toMs(row.verifies_until),
  }));
}

export async function insertSigningKey(db: Queryable, key: SigningKeyRow): Promise<void> {
  await db.query(
    `insert into signing_keys
       (kid, public_jwk, private_sealed, signs_from, signs_until, verifies_until)
     values ($1, $2, $3, $4, $5, $6)`,
    [
      key.kid,
      JSON.stringify(key.publicJwk),
      key.privateSealed,
      toDate(key.signsFromMs),
      toDate(key.signsUntilMs),
      toDate(key.verifiesUntilMs),
    ],
  );
}

/** Forgets keys of which no token can be valid any more. */
export async function deleteOverdueKeys(db: Queryable, nowMs: number): Promise<void> {
  await db.query("delete from signing_keys where verifies_until < $1", [toDate(nowMs)]);
}
