/** Transactions that are committed or did not happen. */
import { backoffMs, sleep } from "@tideway/kernel";
import type { Pool, Transaction } from "./pool.ts";

export interface TxOptions {
  readonly isolation?: "read committed" | "repeatable read" | "serializable";
  /** How often a serialization failure or a deadlock is tried again. */
  readonly retriesMax?: number;
}

/** PostgreSQL's codes for "nothing happened, run it again": serialization failure and deadlock. */
const RETRYABLE = new Set(["40001", "40P01"]);

/** Thrown when COMMIT answered ROLLBACK: a statement before it had failed and nobody noticed. */
export class CommitRefused extends Error {
  constructor() {
    super("COMMIT was answered with ROLLBACK: a statement of the transaction had failed.");
    this.name = "CommitRefused";
  }
}

/**
 * Runs `act` in a transaction and commits it. Throws what `act` throws, after a rollback.
 * `act` may run several times, so it must not have effects outside the transaction.
 *
 * @example await tx(pool, (t) => t.query("insert into invoices ..."));
 */
export async function tx<T>(
  pool: Pool,
  act: (transaction: Transaction) => Promise<T>,
  options: TxOptions = {},
): Promise<T> {
  const retriesMax = options.retriesMax ?? 5;
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(pool, act, options.isolation ?? "read committed");
    } catch (error) {
      if (attempt > retriesMax || !RETRYABLE.has(sqlState(error) ?? "")) throw error;
      await sleep(backoffMs(attempt, { baseMs: 5, maxMs: 200 }));
    }
  }
}

async function once<T>(
  pool: Pool,
  act: (transaction: Transaction) => Promise<T>,
  isolation: string,
): Promise<T> {
  const client = await pool.connect();
  const runAfterCommit = collectAfterCommit(client);
  let broken: Error | undefined;
  let result: T;
  try {
    await client.query(`begin isolation level ${isolation}`);
    result = await act(client);
    const commit = await client.query("commit");
    if (commit.command !== "COMMIT") throw new CommitRefused();
  } catch (error) {
    await client.query("rollback").catch((reason: unknown) => {
      broken = reason instanceof Error ? reason : new Error(String(reason));
    });
    throw error;
  } finally {
    afterCommitOf.delete(client);
    client.release(broken);
  }
  runAfterCommit();
  return result;
}

const afterCommitOf = new WeakMap<Transaction, (() => void)[]>();

/**
 * Runs `act` once this transaction of `tx` is committed and its connection given back; never when
 * it is rolled back. What `act` throws is told as a warning of the process: the commit stands.
 *
 * @example afterCommit(t, () => wakeTheRelay());
 */
export function afterCommit(transaction: Transaction, act: () => void): void {
  const acts = afterCommitOf.get(transaction);
  if (acts === undefined) throw new Error("afterCommit needs a transaction that is under way.");
  acts.push(act);
}

/**
 * For whoever begins and commits by hand: from now on `afterCommit` takes acts for this
 * transaction. To be called after the commit, the answer runs them; after a rollback it is not.
 */
export function collectAfterCommit(transaction: Transaction): () => void {
  const acts: (() => void)[] = [];
  afterCommitOf.set(transaction, acts);
  return () => {
    for (const act of acts) {
      try {
        act();
      } catch (error) {
        // The transaction is committed, so its caller must not be told that it failed.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  };
}

/** The SQLSTATE of an error of PostgreSQL (PostgreSQL manual, appendix A), or null. */
export function sqlState(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const code: unknown = Reflect.get(error, "code");
  // Every SQLSTATE has a digit; EPIPE, which a socket says, has none.
  return typeof code === "string" && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : null;
}

/** The constraint that refused a row, or null. */
export function violatedConstraint(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const constraint: unknown = Reflect.get(error, "constraint");
  return typeof constraint === "string" ? constraint : null;
}
