/** Writes what was decided, in one go, and reads it back before it is committed. */
import { canonicalJson } from "@tideway/schema";
import { invariant, present } from "@tideway/kernel";
import type { Transaction } from "@tideway/store";
import { assertSameBalances } from "../domain/account.ts";
import type { Account } from "../domain/account.ts";
import type { Made } from "../domain/decide-move.ts";
import type { Transfer } from "../domain/transfer.ts";
import { writeBalances } from "./accounts.ts";
import { deleteTimeout, insertResolutions, insertTimeout } from "./holds.ts";
import { insertTransfer } from "./transfers.ts";

/** Writes the transfer, how its hold ended, and both accounts; answers the transfer as written. */
export async function writeMade(transaction: Transaction, made: Made): Promise<Transfer> {
  const { transfer } = made;
  const [written] = await Promise.all([
    insertTransfer(transaction, transfer),
    transfer.timeoutSeconds === null ? null : insertTimeout(transaction, transfer),
    writeEndOfHold(transaction, made),
    writeAndCheckBalances(transaction, [made.debit, made.credit]),
  ]);
  invariant(
    spelling(written) === spelling(transfer),
    `Transfer ${transfer.id} was read back with other fields than were written.`,
  );
  return written;
}

async function writeEndOfHold(
  transaction: Transaction,
  { transfer, outcome }: Made,
): Promise<void> {
  if (transfer.pending === null) return;
  const how = present(outcome, "A transfer that names a hold ends it.");
  await Promise.all([
    deleteTimeout(transaction, transfer.pending),
    insertResolutions(transaction, [
      { hold: transfer.pending, outcome: how, transfer: transfer.id, atMicros: transfer.atMicros },
    ]),
  ]);
}

/** Writes the sums of locked accounts. A sum that comes back different breaks an invariant. */
export async function writeAndCheckBalances(
  transaction: Transaction,
  accounts: readonly Account[],
): Promise<void> {
  const written = await writeBalances(transaction, accounts);
  for (const account of accounts) {
    const sums = present(
      written.get(account.id),
      `Account ${account.id} was locked, then written.`,
    );
    assertSameBalances(sums, account, account.id);
  }
}

function spelling(transfer: Transfer): string {
  const { amount, atMicros, ...rest } = transfer;
  return canonicalJson({ ...rest, amount: amount.toString(), atMicros: atMicros.toString() });
}
