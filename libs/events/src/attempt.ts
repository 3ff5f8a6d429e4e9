/**
 * One transaction of the inbox, which can be abandoned: a handler that hangs, or goes on after it
 * has failed, must not write any more. So handlers get the connection behind a gate that is shut
 * at the end, and after a time-out the statement is cancelled and the connection destroyed.
 */
import { idToUuid } from "@tideway/kernel";
import { CommitRefused, collectAfterCommit } from "@tideway/store";
import type { Pool, Transaction } from "@tideway/store";
import type { InboxEvent } from "./machine/inbox.ts";
import { EVENT_ID_PREFIX } from "./publisher.ts";

/** How long the database has to answer that it cancelled a statement; then it counts as away. */
const CANCEL_MS_MAX = 2_000;

export class Attempt {
  readonly #pool: Pool;
  readonly #client: Transaction;
  readonly #runAfterCommit: () => void;
  /** What handlers get. */
  readonly transaction: Transaction;
  #isOver = false;

  private constructor(pool: Pool, client: Transaction) {
    this.#pool = pool;
    this.#client = client;
    this.transaction = gated(client, () => this.#isOver);
    this.#runAfterCommit = collectAfterCommit(this.transaction);
  }

  /** Begins a transaction; throws what the database throws. */
  static async begin(pool: Pool): Promise<Attempt> {
    const client = await pool.connect();
    try {
      await client.query("begin");
    } catch (error) {
      client.release(true);
      throw error;
    }
    return new Attempt(pool, client);
  }

  /**
   * Inserts the inbox rows, in the order of ids so that two deliveries of the same events cannot
   * block each other in a circle. Answers which of `events` were not there. Waits for another
   * transaction that is just inserting one of them: its end decides.
   */
  async claim(events: readonly Pick<InboxEvent, "id" | "replay">[]): Promise<readonly number[]> {
    const uuids = events.map((event) => idToUuid(EVENT_ID_PREFIX, event.id));
    const inserted = await this.#client.query<{ event_id: string; replay: number }>({
      name: "tideway-inbox-claim",
      text: `insert into tideway.inbox (event_id, replay)
        select e.id, e.replay from unnest($1::uuid[], $2::int[]) as e (id, replay)
        order by e.id, e.replay
        on conflict do nothing returning event_id, replay`,
      values: [uuids, events.map((event) => event.replay)],
    });
    const fresh = new Set(inserted.rows.map((row) => `${row.event_id} ${row.replay}`));
    return events.flatMap((event, index) =>
      fresh.has(`${uuids[index] ?? ""} ${event.replay}`) ? [index] : [],
    );
  }

  /** Throws CommitRefused when nothing was committed; after other errors the end is not known. */
  async commit(): Promise<void> {
    // A handler that returned has nothing more to say in this transaction.
    this.#isOver = true;
    const commit = await this.#client.query("commit");
    if (commit.command !== "COMMIT") throw new CommitRefused();
    this.#client.release();
    this.#runAfterCommit();
  }

  /** Ends it without effect. Answers false when the connection turned out to be lost. */
  async rollback(): Promise<boolean> {
    this.#isOver = true;
    try {
      await this.#client.query("rollback");
      this.#client.release();
      return true;
    } catch {
      this.#client.release(true);
      return false;
    }
  }

  /**
   * Ends it without effect although a statement may be running: cancels that, then destroys the
   * connection, upon which the server rolls back. Answers false when the database did not answer.
   */
  async abandon(): Promise<boolean> {
    this.#isOver = true;
    const isAnswering = await this.#cancel();
    this.#client.release(true);
    return isAnswering;
  }

  async #cancel(): Promise<boolean> {
    const pid: unknown = Reflect.get(this.#client, "processID");
    const { promise: tooLate, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), CANCEL_MS_MAX);
    // Ours still, as the connection is open: no other backend can have this process id.
    const cancelled = this.#pool.query("select pg_cancel_backend($1)", [pid]).then(
      () => true,
      () => false,
    );
    const isAnswering = await Promise.race([cancelled, tooLate]);
    clearTimeout(timer);
    return isAnswering;
  }
}

/** The connection, until the transaction is over; then its `query` rejects. */
function gated(client: Transaction, isOver: () => boolean): Transaction {
  return new Proxy(client, {
    get: (target, property) => {
      if (property === "query" && isOver()) return refuseQuery;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function refuseQuery(): Promise<never> {
  return Promise.reject(
    new Error("The event's transaction is over; nothing can be written to it."),
  );
}
