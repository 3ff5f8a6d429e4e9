/** Connections to a service's own database. */
import { Pool } from "pg";
import type { PoolClient } from "pg";
import { PreparingClient } from "./preparing-client.ts";

export interface PoolOptions {
  readonly url: string;
  readonly connectionsMax: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Called when an idle connection breaks; the pool opens another one by itself. */
  readonly onIdleError?: (error: Error) => void;
  /** A statement that runs longer is cancelled. 10 s, the longest a request may take. */
  readonly statementTimeoutMs?: number;
}

/** What both a pool and a connection inside a transaction can do. */
export type Queryable = Pick<PoolClient, "query">;
export type Transaction = PoolClient;
export type { Pool };

/**
 * Opens a pool. Statements that a transaction begins without waiting for the ones before
 * (`Promise.all`) are sent together and run in that order: one round trip instead of several. Should
 * one fail, those behind it do nothing. Every connection listens for `error`, or a broken one would
 * end the process; the error carries the connection with its password, so only its message goes on.
 */
export function createPool(options: PoolOptions): Pool {
  const pool = new Pool({
    Client: PreparingClient,
    connectionString: options.url,
    max: options.connectionsMax,
    application_name: options.applicationName,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: options.statementTimeoutMs ?? 10_000,
    idle_in_transaction_session_timeout: 15_000,
    keepAlive: true,
    pipeline: true,
  });
  pool.on("error", (error) => {
    options.onIdleError?.(new Error(error.message));
  });
  pool.on("connect", (client) => {
    client.on("error", () => {
      // The query that was running rejects with the same error; an idle one is told by the pool.
    });
  });
  return pool;
}
