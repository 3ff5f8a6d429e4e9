/**
 * The log of events in the bus's own database. One statement an append: the fence is compared, the
 * offsets are given out and the rows inserted in one transaction with one wait for the disk. The
 * design of the tables and of their retention stands in migrations/0001_log.sql.
 */
import { invariant, present } from "@tideway/kernel";
import { createPool } from "@tideway/store";
import type { Pool } from "@tideway/store";
import type { Carrier, Durability, LogSpan, OutboxEvent, StoredEvent } from "./carrier.ts";
import { PARTITIONS } from "./carrier.ts";
import { fencedOr } from "./ownership.ts";
import { partitionOfKey } from "./partition.ts";
import { dropDays, keepDaysAhead } from "./log-days.ts";
import { toStored } from "./log-rows.ts";
import type { LogRow } from "./log-rows.ts";

export interface PostgresCarrierOptions {
  /** The bus's own database, migrated. */
  readonly pool: Pool;
  /** Of `takeOwnership`; appends under an older one are refused with BUS_FENCED. */
  readonly fence: bigint;
  /** For the days that the log is divided into; milliseconds since 1970. */
  readonly now?: () => number;
}

/** How long one append or one page may take. */
const STATEMENT_TIMEOUT_MS = 30_000;
const CONNECTIONS_MAX = 12;
const SETTINGS = ["fsync", "full_page_writes", "synchronous_commit"] as const;

/** Opens the bus's own connections. */
export function openBusPool(url: string, onIdleError?: (error: Error) => void): Pool {
  return createPool({
    url,
    connectionsMax: CONNECTIONS_MAX,
    applicationName: "bus",
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    ...(onIdleError === undefined ? {} : { onIdleError }),
  });
}

/** The carrier on the bus's own database; makes the log's divisions for the days to come. */
export async function postgresCarrier(options: PostgresCarrierOptions): Promise<Carrier> {
  const { pool, now = Date.now } = options;
  await keepDaysAhead(pool, now());
  return {
    partitions: PARTITIONS,
    append: (events) => append(options, events),
    read: async (partition, after, limit, bytesMax = Number.MAX_SAFE_INTEGER) => {
      const { rows } = await pool.query<LogRow>({
        name: "log-read",
        // The length of what is stored apart is known without reading it.
        text: `select event_id, partition, place, source, type, key, data, traceparent, at
               from (
                 select *, sum(octet_length(data)) over (order by place rows
                   between unbounded preceding and 1 preceding) as before
                 from (
                   select * from log where partition = $1 and place > $2
                   order by place limit $3) as page) as sized
               where coalesce(before, 0) < $4 order by place`,
        values: [partition, after, limit, bytesMax],
      });
      return rows.map(toStored);
    },
    heads: async () => {
      const { rows } = await pool.query<{ head: string }>(
        "select head from heads order by partition",
      );
      return rows.map(({ head }) => Number(head));
    },
    offsetBefore: async (partition, atMs) => {
      // An operator's replay asks this, so reading through the partition is cheap enough; an index
      // on the time would cost every append.
      const { rows } = await pool.query<{ place: string }>(
        `select coalesce(
           (select min(place) - 1 from log where partition = $1 and at >= $2),
           (select head from heads where partition = $1)) as place`,
        [partition, new Date(atMs)],
      );
      return Number(rows[0]?.place ?? 0);
    },
    countTypes: (spans, types, limit) => countTypes(pool, { spans, types, limit }),
    durability: () => databaseDurability(pool),
    prune: async (olderThanMs, completed) => {
      await keepDaysAhead(pool, now());
      return dropDays(pool, olderThanMs, completed);
    },
    // The pool belongs to whoever opened it.
    close: async () => {},
  };
}

async function countTypes(
  pool: Pool,
  wanted: {
    readonly spans: readonly LogSpan[];
    readonly types: readonly string[];
    readonly limit: number;
  },
): Promise<{ readonly looked: number; readonly matching: number }> {
  const { spans, types, limit } = wanted;
  const { rows } = await pool.query<{ looked: number; matching: number }>(
    `select count(*)::int as looked, (count(*) filter (where type = any ($4)))::int as matching
     from (
       select l.type from unnest($1::smallint[], $2::bigint[], $3::bigint[])
           as s (partition, after, up_to)
         join log as l on l.partition = s.partition and l.place > s.after and l.place <= s.up_to
       limit $5) as l`,
    [
      spans.map(({ partition }) => partition),
      spans.map(({ after }) => after),
      spans.map(({ upTo }) => upTo),
      types,
      limit,
    ],
  );
  return rows[0] ?? { looked: 0, matching: 0 };
}

async function append(
  { pool, fence }: PostgresCarrierOptions,
  events: readonly OutboxEvent[],
): Promise<readonly StoredEvent[]> {
  if (events.length === 0) return [];
  const unique = [...new Map(events.map((event) => [event.eventId, event])).values()];
  const partitions = unique.map(({ key }) => partitionOfKey(key));
  const answer = await pool
    .query<{ places: string[] }>({
      name: "log-append",
      text: "select append_events($1, $2, $3, $4, $5, $6, $7, $8, $9) as places",
      values: [
        fence,
        unique.map(({ eventId }) => eventId),
        partitions,
        unique.map(({ source }) => source),
        unique.map(({ type }) => type),
        unique.map(({ key }) => key),
        unique.map(({ data }) => data),
        unique.map(({ traceparent }) => traceparent),
        unique.map(({ at }) => at),
      ],
    })
    .catch((error: unknown) => {
      throw fencedOr(error, fence);
    });
  const places = answer.rows[0]?.places ?? [];
  invariant(places.length === unique.length, "Every event that was appended has an offset.");
  const stored = new Map(
    unique.map((event, index) => {
      const offset = Number(places[index]);
      return [event.eventId, { ...event, partition: partitions[index] ?? 0, offset }];
    }),
  );
  return events.map(({ eventId }) => present(stored.get(eventId), "It was just stored."));
}

/** What a loss of power may do to what this database has acknowledged. */
export async function databaseDurability(pool: Pool): Promise<Durability> {
  const { rows } = await pool.query<{ name: string; setting: string }>(
    "select name, setting from pg_settings where name = any ($1) order by name",
    [[...SETTINGS]],
  );
  const settings = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  const off = SETTINGS.filter((name) => settings[name] === "off");
  const isDurable = off.length === 0;
  const sentence = isDurable
    ? "PostgreSQL has every acknowledged event on its disk: it survives a loss of power."
    : `PostgreSQL runs with ${off.join(", ")} off: a loss of power loses acknowledged events.`;
  return { sentence, isDurable, settings };
}
