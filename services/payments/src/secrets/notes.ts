/**
 * Notes are personal: each is sealed under a key of its author, and that key under the service's.
 * Destroying the author's key destroys all that the author wrote, wherever rows were copied to.
 */
import { hkdfSync, randomBytes } from "node:crypto";
import { bitsToUuid, newId, parseId } from "@tideway/kernel";
import type { Queryable } from "@tideway/store";
import { findPersonKey, insertPersonKey, readPersonKeys } from "../store/person-keys.ts";
import type { PersonKeyRow } from "../store/person-keys.ts";
import { open, seal } from "@tideway/trust";

export interface SealedNote {
  /** The key's uuid. */
  readonly key: string;
  readonly sealed: Buffer;
}

/** A sealed note beside the payment or invoice that it belongs to. */
export interface NoteOf {
  /** pay_... or inv_...: bound into the seal, so a note cannot be moved to another row. */
  readonly subject: string;
  readonly note: SealedNote | null;
}

export interface Notes {
  seal(author: string, subject: string, text: string): Promise<SealedNote>;
  /** By subject, the texts of those whose key still exists. */
  open(notes: readonly NoteOf[]): Promise<ReadonlyMap<string, string>>;
}

const KEY_BYTES = 32;

/** `serviceKey` is 32 bytes in hex. */
export function createNotes(db: Queryable, serviceKey: string): Notes {
  const wrappingKey = wrappingKeyOf(serviceKey);
  const unwrap = (row: PersonKeyRow): Buffer => open(wrappingKey, row.sealed, keyContext(row.key));
  return {
    seal: async (author, subject, text) => {
      const row = await keyOf(db, author, wrappingKey);
      return { key: row.key, sealed: seal(unwrap(row), Buffer.from(text), noteContext(subject)) };
    },
    open: async (notes) => {
      const sealedNotes = notes.flatMap(({ subject, note }) => (note ? [{ subject, note }] : []));
      if (sealedNotes.length === 0) return new Map();
      const rows = await readPersonKeys(db, [...new Set(sealedNotes.map(({ note }) => note.key))]);
      const keys = new Map(rows.map((row) => [row.key, unwrap(row)]));
      return new Map(
        sealedNotes.flatMap(({ subject, note }): [string, string][] => {
          const key = keys.get(note.key);
          if (key === undefined) return [];
          return [[subject, open(key, note.sealed, noteContext(subject)).toString("utf8")]];
        }),
      );
    },
  };
}

async function keyOf(db: Queryable, person: string, wrappingKey: Buffer): Promise<PersonKeyRow> {
  const known = await findPersonKey(db, person);
  if (known !== null) return known;
  const key = bitsToUuid(parseId("key", newId("key")));
  const sealed = seal(wrappingKey, randomBytes(KEY_BYTES), keyContext(key));
  await insertPersonKey(db, { key, person, sealed });
  const kept = await findPersonKey(db, person);
  if (kept === null) throw new Error("The person's key was erased while it was being made.");
  return kept;
}

/** HKDF (RFC 5869), so that the service's key itself seals nothing. */
function wrappingKeyOf(serviceKey: string): Buffer {
  if (!/^[0-9a-f]{64}$/i.test(serviceKey)) {
    throw new Error("TIDEWAY_SERVICE_KEY is not 32 bytes in hex; the engine sets it.");
  }
  const secret = Buffer.from(serviceKey, "hex");
  return Buffer.from(hkdfSync("sha256", secret, "", "tideway payments person keys", KEY_BYTES));
}

function keyContext(key: string): string {
  return `payments person key ${key}`;
}

function noteContext(subject: string): string {
  return `payments note of ${subject}`;
}
