/**
 * The machines and the few decisions of the drivers that a planted bug may replace. The sound ones
 * are the real machines, and what the real drivers' SQL says.
 */
import { stepDelivery, stepRelay } from "@tideway/bus";
import { stepInbox } from "@tideway/events";
import type { SimProcess, Task } from "../../kernel/process.ts";
import type { Database, Statement, Transaction } from "../../model/database.ts";
import type { InboxRow, InboxTable } from "./consumer.ts";
import type { SimRow } from "./producer.ts";

export interface ClaimingInbox {
  readonly database: Database;
  readonly process: SimProcess;
  readonly inbox: InboxTable;
  readonly rows: readonly InboxRow[];
}

export interface EventParts {
  readonly stepRelay: typeof stepRelay;
  readonly stepDelivery: typeof stepDelivery;
  readonly stepInbox: typeof stepInbox;
  /** Which of the outbox's rows a claim takes; `memory` survives the relay. */
  readonly claimOutbox: (
    rows: readonly SimRow[],
    limit: number,
    memory: Map<string, number>,
  ) => readonly SimRow[];
  /** Opens the transaction of a batch and inserts its inbox rows; answers the indexes that are new. */
  readonly claimInbox: (claiming: ClaimingInbox) => Task<Claimed>;
}

export interface Claimed {
  readonly transaction: Transaction;
  readonly fresh: readonly number[];
}

export const EVENT_PARTS: EventParts = {
  stepRelay,
  stepDelivery,
  stepInbox,
  claimOutbox: (rows, limit) => rows.toSorted((a, b) => a.number - b.number).slice(0, limit),
  *claimInbox({ database, process, inbox, rows }) {
    const transaction = yield* database.begin(process);
    const fresh = yield* insertInbox(transaction, inbox, rows);
    return { transaction, fresh };
  },
};

/** `insert ... on conflict do nothing returning`, which waits for others who insert the same. */
export function insertInbox(
  transaction: Transaction,
  inbox: InboxTable,
  rows: readonly InboxRow[],
): Task<readonly number[]> {
  const locks = rows.map(({ id }) => `inbox ${id}`);
  return transaction.statement(locks, (view: Statement) =>
    rows.flatMap(({ id, index }) => {
      if (inbox.get(view, id) !== undefined) return [];
      inbox.put(view, id, true);
      return [index];
    }),
  );
}
