/** Money is neither made nor lost: balances sum to zero, nobody is overdrawn, no hold is forgotten. */
import { found } from "./violation.ts";
import type { Violation } from "./violation.ts";

export interface BankState {
  readonly accounts: Iterable<BankAccount>;
  /** Holds that are neither posted nor voided although nothing is under way any more. */
  readonly holdsOpen: Iterable<string>;
}

export interface BankAccount {
  readonly account: string;
  readonly asset: string;
  /** Credits less debits in minor units. */
  readonly balance: bigint;
  /** The least it may be; null for accounts without a limit. */
  readonly floor: bigint | null;
}

export function checkBank(state: BankState): Violation[] {
  const sums = new Map<string, bigint>();
  const wrong: string[] = [];
  for (const { account, asset, balance, floor } of state.accounts) {
    sums.set(asset, (sums.get(asset) ?? 0n) + balance);
    if (floor !== null && balance < floor) {
      wrong.push(`${account} has ${balance} ${asset}, less than ${floor}`);
    }
  }
  for (const [asset, sum] of sums) {
    if (sum !== 0n) wrong.push(`all accounts in ${asset} sum to ${sum} and not to 0`);
  }
  for (const hold of state.holdsOpen) wrong.push(`the hold ${hold} is still open`);
  return found("bank", wrong);
}
