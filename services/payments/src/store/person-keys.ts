import { idToUuid } from "@tideway/kernel";
import type { Queryable } from "@tideway/store";

export interface PersonKeyRow {
  readonly key: string;
  readonly sealed: Buffer;
}

export async function findPersonKey(db: Queryable, person: string): Promise<PersonKeyRow | null> {
  const found = await db.query<PersonKeyRow>(
    "select key, sealed from person_keys where person = $1",
    [idToUuid("per", person)],
  );
  return found.rows[0] ?? null;
}

export async function readPersonKeys(
  db: Queryable,
  keys: readonly string[],
): Promise<PersonKeyRow[]> {
  const found = await db.query<PersonKeyRow>(
    "select key, sealed from person_keys where key = any($1::uuid[])",
    [[...keys]],
  );
  return found.rows;
}

/** Of two at once the first stays. */
export async function insertPersonKey(
  db: Queryable,
  row: PersonKeyRow & { readonly person: string },
): Promise<void> {
  await db.query(
    `insert into person_keys (key, person, sealed) values ($1, $2, $3)
     on conflict (person) do nothing`,
    [row.key, idToUuid("per", row.person), row.sealed],
  );
}

/** Destroys the key, and thereby every note that was sealed under it. */
export async function erasePersonKey(db: Queryable, person: string): Promise<void> {
  await db.query("delete from person_keys where person = $1", [idToUuid("per", person)]);
}

/**
 * Answers kept for idempotency repeat notes in the clear. Forgetting them is harmless: a retry
 * runs the handler again, which finds the payment or invoice by the same operation.
 */
export async function forgetAnswersWithNotes(db: Queryable, person: string): Promise<void> {
  await db.query(
    `update idempotency_keys set status = null, reply = null
     where reply ->> 'note' is not null
       and (principal = $1 or reply -> 'payee' ->> 'person' = $1)`,
    [person],
  );
}
