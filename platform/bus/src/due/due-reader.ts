/** One connection to a service's database, with the relay's rights, that comes back by itself. */
import { backoffMs } from "@tideway/kernel";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { Client } from "pg";
import type { DueWork } from "./due-machine.ts";
import { OVERDUE_MS } from "./due-machine.ts";

export interface DueReaderOptions {
  readonly service: string;
  /** The relay login's address of this service's database. */
  readonly url: string;
  readonly logger: Logger;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
}

const STATEMENT_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_MS = { baseMs: 500, maxMs: 10_000 };
/** More than this need not be counted. */
const ROWS_MAX = 1_000;

export class DueReader {
  readonly #options: DueReaderOptions;
  #client: Client | null = null;
  #failures = 0;
  #notBeforeMs = 0;

  constructor(options: DueReaderOptions) {
    this.#options = options;
  }

  /** What is overdue; null while the database cannot be asked, which is logged once. */
  async read(): Promise<DueWork | null> {
    const { logger, service, now } = this.#options;
    if (this.#client === null && now() < this.#notBeforeMs) return null;
    try {
      const client = (this.#client ??= await this.#connect());
      const { rows } = await client.query<{ overdue: number }>(
        `select count(*)::int as overdue from (
           select from tideway_due
           where due_at < now() - make_interval(secs => $1::float8 / 1000)
           limit ${ROWS_MAX}) as due`,
        [OVERDUE_MS],
      );
      if (this.#failures > 0) logger.info("due.readable-again", { from: service });
      this.#failures = 0;
      return { overdue: rows[0]?.overdue ?? 0 };
    } catch (error) {
      this.#failures++;
      this.#notBeforeMs = now() + backoffMs(this.#failures, RECONNECT_MS);
      if (this.#failures === 1) logger.warn("due.unreadable", { from: service, ...plain(error) });
      await this.close();
      return null;
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => {
      // It is gone, which is what was wanted.
    });
  }

  async #connect(): Promise<Client> {
    const client = new Client({
      connectionString: this.#options.url,
      application_name: "bus-due",
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: 2 * STATEMENT_TIMEOUT_MS,
      keepAlive: true,
    });
    client.on("error", () => {
      // The question under way rejects with the same error, or the next one does.
    });
    await client.connect();
    return client;
  }
}

/** Without what hangs on pg's errors: a connection with its password. */
function plain(error: unknown): ReturnType<typeof errorFields> {
  return errorFields(
    error instanceof Error ? Object.assign(new Error(error.message), codeOf(error)) : error,
  );
}

function codeOf(error: Error): { readonly code?: string } {
  const code: unknown = Reflect.get(error, "code");
  return typeof code === "string" ? { code } : {};
}
