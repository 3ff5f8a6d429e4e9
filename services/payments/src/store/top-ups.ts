import { idToUuid } from "@tideway/kernel";
import type { Queryable } from "@tideway/store";

export interface TopUpRow {
  /** The day in UTC, 2026-01-31. */
  readonly day: string;
  readonly operation: string;
  readonly finished: boolean;
}

/** The top-up that this operation began, whatever day it was. */
export async function findTopUp(
  db: Queryable,
  person: string,
  operation: string,
): Promise<TopUpRow | null> {
  const found = await db.query<TopUpRow>(
    `select to_char(day, 'YYYY-MM-DD') as day, operation, finished_at is not null as finished
     from top_ups where person = $1 and operation = $2`,
    [idToUuid("per", person), operation],
  );
  return found.rows[0] ?? null;
}

/** Begins today's top-up, or answers the one that was begun before. */
export async function beginTopUp(
  db: Queryable,
  person: string,
  operation: string,
): Promise<TopUpRow> {
  // The update changes nothing, but it makes the statement answer the row that was there.
  const found = await db.query<TopUpRow>(
    `insert into top_ups (person, day, operation)
     values ($1, (now() at time zone 'utc')::date, $2)
     on conflict (person, day) do update set finished_at = top_ups.finished_at
     returning to_char(day, 'YYYY-MM-DD') as day, operation, finished_at is not null as finished`,
    [idToUuid("per", person), operation],
  );
  const row = found.rows[0];
  if (row === undefined) throw new Error("The insert answered no row.");
  return row;
}

export async function finishTopUp(db: Queryable, person: string, day: string): Promise<void> {
  await db.query(
    `update top_ups set finished_at = now()
     where person = $1 and day = $2::date and finished_at is null`,
    [idToUuid("per", person), day],
  );
}
