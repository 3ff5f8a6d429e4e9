/** Finding sagas: those that are due, one by its id, and pages of them for operators. */
import { isId } from "@tideway/kernel";
import type { Queryable } from "@tideway/store";
import { LEASE_MS } from "../machine/lease.ts";
import { SAGA_COLUMNS, SAGA_PREFIX, STEP_COLUMNS, toStored } from "./rows.ts";
import type { SagaRow, StepRow, StoredSaga } from "./rows.ts";
import { uuidOf } from "./write.ts";

export interface CarriedVersion {
  readonly name: string;
  readonly version: number;
}

const HOLD = `lease_owner = $1, lease_until = clock_timestamp() + make_interval(secs => $2),
  due_at = clock_timestamp() + make_interval(secs => $2), fence = fence + 1`;

/** Takes up to `limit` sagas that are due, of versions that this revision can carry on with. */
export async function claimDue(
  db: Queryable,
  owner: string,
  carried: readonly CarriedVersion[],
  limit: number,
): Promise<StoredSaga[]> {
  const claimed = await db.query<SagaRow>({
    name: "saga-claim-due",
    // now() and not clock_timestamp(), by which no index can be searched; the statement is alone.
    text: `update tideway.sagas s set ${HOLD}
      from (select due.due_id from (
              select own.* from unnest($3::text[], $4::int[]) as c (name, version),
                lateral (select id as due_id, due_at from tideway.sagas o
                         where o.name = c.name and o.version = c.version and not o.by_data
                           and o.due_at <= now()
                         order by o.due_at limit $5 for update skip locked) as own
              union all
              select by_data.* from (select id as due_id, due_at from tideway.sagas o
                                     where o.by_data and o.due_at <= now()
                                     order by o.due_at limit $5 for update skip locked) as by_data
            ) as due order by due.due_at limit $5) as found
      where s.id = found.due_id returning ${SAGA_COLUMNS}`,
    values: [
      owner,
      LEASE_MS / 1_000,
      carried.map(({ name }) => name),
      carried.map(({ version }) => version),
      limit,
    ],
  });
  return withSteps(db, claimed.rows);
}

/**
 * Takes one saga now, due or not, unless it is over, somebody else holds it, or this revision cannot
 * carry it on. One that this owner holds without carrying it on is left over from a start of whose
 * commit it never heard; the caller looks for runs of its own first.
 */
export async function claimOne(
  db: Queryable,
  owner: string,
  carried: readonly CarriedVersion[],
  saga: string,
): Promise<StoredSaga | null> {
  const claimed = await db.query<SagaRow>({
    name: "saga-claim-one",
    text: `update tideway.sagas set ${HOLD}
      where id = $3 and state not in ('completed', 'compensated')
        and (lease_until is null or lease_until <= clock_timestamp() or lease_owner = $1)
        and (by_data or (name, version) in (select * from unnest($4::text[], $5::int[])))
      returning ${SAGA_COLUMNS}`,
    values: [
      owner,
      LEASE_MS / 1_000,
      uuidOf(saga),
      carried.map(({ name }) => name),
      carried.map(({ version }) => version),
    ],
  });
  return (await withSteps(db, claimed.rows))[0] ?? null;
}

/** How long a saga whose lease is over is left to whoever waits for it: a few of their tries. */
const WAITERS_FIRST_SECONDS = 1;

/**
 * Keeps the background, which goes by `due_at`, away from a saga that somebody else holds until a
 * moment after its lease. Should its holder be dead, then whoever waits here takes it over, with
 * the person's token; the background could only find out that the person's call was never made.
 */
export async function letWaitersFirst(db: Queryable, owner: string, saga: string): Promise<void> {
  await db.query({
    name: "saga-waiters-first",
    text: `update tideway.sagas set due_at = lease_until + make_interval(secs => $3)
      where id = $1 and lease_owner <> $2 and lease_until > clock_timestamp()
        and due_at < lease_until + make_interval(secs => $3)`,
    values: [uuidOf(saga), owner, WAITERS_FIRST_SECONDS],
  });
}

/** Null when there is none. `lock` keeps others away from it until the transaction ends. */
export async function readSaga(
  db: Queryable,
  saga: string,
  lock: "" | "for update" = "",
): Promise<StoredSaga | null> {
  if (!isId(SAGA_PREFIX, saga)) return null;
  const found = await db.query<SagaRow>(
    `select ${SAGA_COLUMNS} from tideway.sagas where id = $1 ${lock}`,
    [uuidOf(saga)],
  );
  return (await withSteps(db, found.rows))[0] ?? null;
}

/** Keeps others from starting a saga of this key until the transaction ends. */
export async function lockKey(t: Queryable, name: string, startKey: string): Promise<void> {
  await t.query({
    name: "saga-lock-key",
    text: "select pg_advisory_xact_lock(hashtextextended($1, 0))",
    values: [`saga ${name} ${startKey}`],
  });
}

/** The saga that a key began, and whether it began with this data. */
export async function findByKey(
  db: Queryable,
  name: string,
  startKey: string,
  data: string,
): Promise<{ readonly id: string; readonly same: boolean } | null> {
  const found = await db.query<{ id: string; same: boolean }>({
    name: "saga-find",
    text: `select id, data = $3::jsonb as same from tideway.sagas
      where name = $1 and start_key = $2`,
    values: [name, startKey, data],
  });
  return found.rows[0] ?? null;
}

/** Which of these are over. */
export async function findOver(db: Queryable, sagas: readonly string[]): Promise<string[]> {
  const found = await db.query<{ id: string }>({
    name: "saga-over",
    text: `select id from tideway.sagas
      where id = any($1::uuid[]) and state in ('completed', 'compensated')`,
    values: [sagas.map(uuidOf)],
  });
  return found.rows.map(({ id }) => id);
}

export interface ListOptions {
  readonly state: string | null;
  readonly attention: boolean | null;
  /** Only those before this one in time: created_at and id. */
  readonly after: { readonly at: string; readonly id: string } | null;
  readonly limit: number;
}

export interface ListedSaga {
  readonly stored: StoredSaga;
  readonly position: { readonly at: string; readonly id: string };
}

/** Sagas without their steps, the newest first. */
export async function listSagas(db: Queryable, options: ListOptions): Promise<ListedSaga[]> {
  const { state, attention, after, limit } = options;
  const found = await db.query<SagaRow & { created_text: string }>(
    `select ${SAGA_COLUMNS}, created_at::text as created_text from tideway.sagas
     where ($1::text is null or state = $1) and ($2::bool is null or attention = $2)
       and ($3::timestamptz is null or (created_at, id) < ($3, $4::uuid))
     order by created_at desc, id desc limit $5`,
    [state, attention, after?.at ?? null, after?.id ?? null, limit],
  );
  return found.rows.map((row) => ({
    stored: toStored(row, []),
    position: { at: row.created_text, id: row.id },
  }));
}

async function withSteps(db: Queryable, rows: readonly SagaRow[]): Promise<StoredSaga[]> {
  if (rows.length === 0) return [];
  const found = await db.query<StepRow>({
    name: "saga-steps",
    text: `select ${STEP_COLUMNS} from tideway.saga_steps where saga = any($1::uuid[])`,
    values: [rows.map(({ id }) => id)],
  });
  const bySaga = Map.groupBy(found.rows, ({ saga }) => saga);
  return rows.map((row) => toStored(row, bySaga.get(row.id) ?? []));
}
