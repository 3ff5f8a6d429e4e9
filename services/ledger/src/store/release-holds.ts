/**
 * Gives back what expired holds reserved. Found without locks, then done in a transaction that
 * locks all accounts of the batch in the order of their ids, as transfers do; whoever posts, voids
 * or releases one of these holds at the same time waits, or was first and its timer is gone.
 */
import { invariant } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { withoutHolds } from "../domain/decide-resolution.ts";
import { lockAccounts } from "./accounts.ts";
import { insertResolutions, readDueTimeouts, readDueTimeoutsOf, takeDueTimeouts } from "./holds.ts";
import type { TimedHold } from "./holds.ts";
import { readClock } from "./transfers.ts";
import { writeAndCheckBalances } from "./write-made.ts";

export const RELEASE_BATCH_SIZE_MAX = 100;

/** Releases up to 100 expired holds and answers how many. */
export async function releaseExpiredHolds(pool: Pool): Promise<number> {
  return releaseAll(pool, await readDueTimeouts(pool, RELEASE_BATCH_SIZE_MAX));
}

/** Releases up to 100 expired holds that hold something on these accounts; answers how many. */
export async function releaseExpiredHoldsOf(
  pool: Pool,
  accounts: readonly string[],
): Promise<number> {
  return releaseAll(pool, await readDueTimeoutsOf(pool, accounts, RELEASE_BATCH_SIZE_MAX));
}

async function releaseAll(pool: Pool, due: readonly TimedHold[]): Promise<number> {
  if (due.length === 0) return 0;
  const ids = [...new Set(due.flatMap((hold) => [hold.debit, hold.credit]))];
  return tx(pool, async (transaction) => {
    const accounts = await lockAccounts(transaction, ids);
    invariant(
      ids.every((id) => accounts.has(id)),
      "A hold has two accounts; releasing one side alone would unbalance the books.",
    );
    const atMicros = await readClock(transaction);
    const over = await takeDueTimeouts(
      transaction,
      due.map((hold) => hold.id),
      atMicros,
    );
    if (over.length === 0) return 0;
    const touched = [...accounts.values()].flatMap((account) => {
      const own = over.filter((hold) => hold.debit === account.id || hold.credit === account.id);
      return own.length === 0 ? [] : [withoutHolds(account, own)];
    });
    await insertResolutions(
      transaction,
      over.map((hold) => ({ hold: hold.id, outcome: "expired", transfer: null, atMicros })),
    );
    await writeAndCheckBalances(transaction, touched);
    return over.length;
  });
}
