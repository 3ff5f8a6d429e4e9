/** The log's divisions: one a day, by the moment at which a UUIDv7 begins. */
import { identifier, literal } from "@tideway/store";
import type { Pool } from "@tideway/store";

const DAY_MS = 86_400_000;
/** Made ahead, today included: an event's id may come from a clock that is ahead. */
const DAYS_AHEAD = 3;
/** Rows of one statement against the division for everything else. */
const REST_ROWS_MAX = 5_000;

/** Makes the divisions of today and of the next days. Safe to repeat. */
export async function keepDaysAhead(pool: Pool, nowMs: number): Promise<void> {
  const known = new Set(await divisionsOf(pool));
  for (let ahead = 0; ahead < DAYS_AHEAD; ahead++) {
    const dayMs = Math.floor(nowMs / DAY_MS + ahead) * DAY_MS;
    const name = divisionOf(dayMs);
    if (known.has(name)) continue;
    // A row of that day in log_rest would forbid it. Then the day stays there; nothing is lost.
    const busy = await pool.query(
      "select 1 from log_rest where event_id >= $1 and event_id < $2 limit 1",
      [lowestId(dayMs), lowestId(dayMs + DAY_MS)],
    );
    if (busy.rowCount !== 0) continue;
    await pool.query(
      `create table if not exists ${identifier(name)} partition of log
       for values from (${literal(lowestId(dayMs))}) to (${literal(lowestId(dayMs + DAY_MS))})`,
    );
  }
}

/**
 * Drops days that ended before `olderThanMs` and are completed everywhere; answers their events.
 */
export async function dropDays(
  pool: Pool,
  olderThanMs: number,
  completed: readonly number[],
): Promise<number> {
  let dropped = 0;
  for (const name of await divisionsOf(pool)) {
    const dayMs = dayOf(name);
    if (dayMs === null || dayMs + DAY_MS > olderThanMs) continue;
    const { rows } = await pool.query<{ open: boolean; events: string }>(
      `select coalesce(bool_or(place > ($1::bigint[])[partition + 1]), false) as open,
         count(*) as events from ${identifier(name)}`,
      [completed],
    );
    if (rows[0]?.open !== false) continue;
    await pool.query(`drop table ${identifier(name)}`);
    dropped += Number(rows[0].events);
  }
  return dropped + (await deleteRest(pool, olderThanMs, completed));
}

async function deleteRest(
  pool: Pool,
  olderThanMs: number,
  completed: readonly number[],
): Promise<number> {
  for (let deleted = 0; ;) {
    const { rowCount } = await pool.query(
      `delete from log_rest where ctid = any (array(
         select ctid from log_rest
         where at < $1 and place <= ($2::bigint[])[partition + 1] limit ${REST_ROWS_MAX}))`,
      [new Date(olderThanMs), completed],
    );
    deleted += rowCount ?? 0;
    if ((rowCount ?? 0) < REST_ROWS_MAX) return deleted;
  }
}

async function divisionsOf(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
     where i.inhparent = 'log'::regclass order by 1`,
  );
  return rows.map(({ name }) => name);
}

function divisionOf(dayMs: number): string {
  return `log_${new Date(dayMs).toISOString().slice(0, 10).replaceAll("-", "")}`;
}

function dayOf(name: string): number | null {
  const [, year, month, day] = /^log_(\d{4})(\d{2})(\d{2})$/.exec(name) ?? [];
  return year === undefined ? null : Date.UTC(Number(year), Number(month) - 1, Number(day));
}

/** The lowest UUID that begins with this moment: 48 bits of milliseconds, then zeros. */
function lowestId(ms: number): string {
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
