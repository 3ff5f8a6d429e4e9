/**
 * One service's outbox over one connection of the relay role: takes rows, deletes them, and hears
 * of commits. Deleting needs no wait for the disk: a row that comes back after a crash of the
 * server is appended once more, and the log knows it.
 */
import { sqlState } from "@tideway/store";
import { Client } from "pg";
import type { OutboxRow } from "../machine/relay.ts";

export interface OutboxSource {
  /** The oldest rows by id, at most `limit`, the last one that which reaches `bytesMax` of data. */
  claim(limit: number, bytesMax: number): Promise<readonly OutboxRow[]>;
  delete(ids: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export interface OutboxSourceOptions {
  /** The relay login's address of the service's database. */
  readonly url: string;
  readonly service: string;
  /** Called after commits that wrote events, at most every few milliseconds. */
  readonly onNudge: () => void;
}

const CHANNEL = "tideway_outbox";
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 15_000;
/** The table is not there (yet): the service's migrations have not run. */
const UNDEFINED_TABLE = new Set(["42P01", "3F000"]);

interface Row {
  readonly id: string;
  readonly event_id: string;
  readonly type: string;
  readonly key: string;
  readonly data: string;
  readonly traceparent: string | null;
  readonly at: Date;
}

/** The outbox of a service; connects when it is first asked and again after a loss. */
export function outboxSource(options: OutboxSourceOptions): OutboxSource {
  let connecting: Promise<Client> | null = null;
  let isClosed = false;
  const connected = (): Promise<Client> => {
    if (isClosed) return Promise.reject(new Error("The relay is closed."));
    connecting ??= connect(options, () => {
      connecting = null;
    }).catch((error: unknown) => {
      connecting = null;
      throw error;
    });
    return connecting;
  };
  return {
    claim: async (limit, bytesMax) => {
      const client = await connected();
      try {
        const { rows } = await client.query<Row>({
          name: "outbox-claim",
          // The length of what is stored apart is known without reading it.
          text: `select id, event_id, type, key, data, traceparent, at
                 from (
                   select *, sum(octet_length(data)) over (order by id rows
                     between unbounded preceding and 1 preceding) as before
                   from (select * from tideway.outbox order by id limit $1) as oldest) as sized
                 where coalesce(before, 0) < $2 order by id`,
          values: [limit, bytesMax],
        });
        return rows.map((row) => toOutboxRow(row, options.service));
      } catch (error) {
        if (UNDEFINED_TABLE.has(sqlState(error) ?? "")) return [];
        throw error;
      }
    },
    delete: async (ids) => {
      const client = await connected();
      await client.query({
        name: "outbox-delete",
        text: "delete from tideway.outbox where id = any ($1::bigint[])",
        values: [ids],
      });
    },
    close: async () => {
      isClosed = true;
      const client = await connecting?.catch(() => null);
      await client?.end().catch(() => {
        // It was gone already.
      });
    },
  };
}

async function connect(options: OutboxSourceOptions, onLost: () => void): Promise<Client> {
  const client = new Client({
    connectionString: options.url,
    application_name: `bus relay ${options.service}`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
    keepAlive: true,
  });
  client.on("error", onLost);
  client.on("end", onLost);
  client.on("notification", options.onNudge);
  try {
    await client.connect();
    await client.query(`set synchronous_commit = off; listen ${CHANNEL}`);
    return client;
  } catch (error) {
    await client.end().catch(() => {
      // It never connected.
    });
    throw error;
  }
}

function toOutboxRow(row: Row, service: string): OutboxRow {
  return {
    id: row.id,
    event: {
      eventId: row.event_id,
      source: `/services/${service}`,
      type: row.type,
      key: row.key,
      data: row.data,
      traceparent: row.traceparent,
      at: row.at.toISOString(),
    },
  };
}
