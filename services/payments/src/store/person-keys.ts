import { idToUuid, uuidToId } from "@tideway/kernel";
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

/** Longer than any request is under way. */
const ERASURE_WATCHED_SECONDS = 120;
const ERASURES_MAX = 200;

/** Remembers that a person's notes were erased now. */
export async function noteErasure(db: Queryable, person: string): Promise<void> {
  await db.query(
    `insert into erasures (person, at) values ($1, clock_timestamp())
     on conflict (person) do update set at = excluded.at`,
    [idToUuid("per", person)],
  );
}

/** Whose notes were erased within the last two minutes, at most 200; older erasures are forgotten. */
export async function recentErasures(db: Queryable): Promise<string[]> {
  const found = await db.query<{ person: string }>(
    `with old as (
       delete from erasures where at < clock_timestamp() - make_interval(secs => $1))
     select person from erasures where at >= clock_timestamp() - make_interval(secs => $1)
     order by at limit $2`,
    [ERASURE_WATCHED_SECONDS, ERASURES_MAX],
  );
  return found.rows.map(({ person }) => uuidToId("per", person));
}

/** Answers are kept 72 hours and swept a little later; payments older than this have none. */
const ANSWERS_GONE_HOURS = 96;

/**
 * Answers kept for idempotency repeat notes in the clear. Forgetting them is harmless: a retry
 * runs the handler again, which finds the payment or invoice by the same operation. Answers with
 * this person's notes are kept for the person, and for those who paid the person's invoices.
 */
export async function forgetAnswersWithNotes(db: Queryable, person: string): Promise<void> {
  const found = await db.query<{ payer: string }>(
    `select distinct payer from payments
     where payee = $1 and state = 'paid' and invoice is not null
       and created_at > now() - make_interval(hours => $2)`,
    [idToUuid("per", person), ANSWERS_GONE_HOURS],
  );
  const holders = [person, ...found.rows.map(({ payer }) => uuidToId("per", payer))];
  await db.query(
    `update idempotency_keys set status = null, reply = null
     where principal = any($2::text[]) and reply ->> 'note' is not null
       and (principal = $1 or reply -> 'payee' ->> 'person' = $1)`,
    [person, holders],
  );
}
