import { identityErrors } from "@tideway/api-identity";
import { idToUuid, uuidToId } from "@tideway/kernel";
import { violatedConstraint } from "@tideway/store";
import type { Queryable } from "@tideway/store";
import { toDate } from "./time.ts";

export interface PersonRow {
  /** per_... */
  readonly person: string;
  readonly email: string;
  readonly name: string;
  readonly passwordHash: string;
}

export interface NewPerson extends PersonRow {
  readonly demo: boolean;
  readonly createdAtMs: number;
}

interface Row {
  readonly person: string;
  readonly email: string;
  readonly name: string;
  readonly password_hash: string;
}

/** Adds a person. Throws EMAIL_TAKEN. */
export async function insertPerson(db: Queryable, person: NewPerson): Promise<void> {
  try {
    await db.query(
      `insert into people (person, email, name, password_hash, demo, created_at)
       values ($1, $2, $3, $4, $5, $6)`,
      [
        idToUuid("per", person.person),
        person.email,
        person.name,
        person.passwordHash,
        person.demo,
        toDate(person.createdAtMs),
      ],
    );
  } catch (error) {
    if (violatedConstraint(error) !== "people_email_taken") throw error;
    throw identityErrors.error("EMAIL_TAKEN", { cause: error });
  }
}

export async function findPersonByEmail(db: Queryable, email: string): Promise<PersonRow | null> {
  const found = await db.query<Row>(
    "select person, email, name, password_hash from people where email = $1",
    [email],
  );
  return toPerson(found.rows[0]);
}

export async function findPersonById(db: Queryable, person: string): Promise<PersonRow | null> {
  const found = await db.query<Row>(
    "select person, email, name, password_hash from people where person = $1",
    [idToUuid("per", person)],
  );
  return toPerson(found.rows[0]);
}

/** The names of those among `people` who exist. */
export async function namesOfPeople(
  db: Queryable,
  people: readonly string[],
): Promise<{ person: string; name: string }[]> {
  const found = await db.query<{ person: string; name: string }>(
    "select person, name from people where person = any($1::uuid[])",
    [people.map((person) => idToUuid("per", person))],
  );
  return found.rows.map((row) => ({ person: uuidToId("per", row.person), name: row.name }));
}

/** Replaces a hash by one of today's cost, unless it was changed in between. */
export async function replacePasswordHash(
  db: Queryable,
  change: { readonly person: string; readonly from: string; readonly to: string },
): Promise<void> {
  await db.query("update people set password_hash = $3 where person = $1 and password_hash = $2", [
    idToUuid("per", change.person),
    change.from,
    change.to,
  ]);
}

/** How many people the demo profile has left here, by flag or by address. */
export async function countDemoPeople(db: Queryable, emails: readonly string[]): Promise<number> {
  const found = await db.query<{ count: number }>(
    "select count(*)::int as count from people where demo or email = any($1)",
    [[...emails]],
  );
  return found.rows[0]?.count ?? 0;
}

function toPerson(row: Row | undefined): PersonRow | null {
  if (row === undefined) return null;
  const { email, name } = row;
  return { person: uuidToId("per", row.person), email, name, passwordHash: row.password_hash };
}
