/** An account, its four running sums, and the limit that they must keep. */
import { AMOUNT_MAX, invariant } from "@tideway/kernel";
import type { Side } from "./chart.ts";

export interface Balances {
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly debitsPending: bigint;
  readonly creditsPending: bigint;
}

export interface Account extends Balances {
  readonly id: string;
  readonly asset: string;
  readonly scale: number;
  readonly code: number;
  readonly owner: string | null;
  readonly normalSide: Side;
  readonly limited: boolean;
  /** Of its latest transfer; null before the first. */
  readonly lastEntryAtMicros: bigint | null;
  readonly openedAtMicros: bigint;
}

export const NO_BALANCES: Balances = {
  debitsPosted: 0n,
  creditsPosted: 0n,
  debitsPending: 0n,
  creditsPending: 0n,
};

/** What may be taken out, in minor units: the posted balance less what is held. May be negative. */
export function availableOf(account: Account): bigint {
  return account.normalSide === "credit"
    ? account.creditsPosted - account.debitsPosted - account.debitsPending
    : account.debitsPosted - account.creditsPosted - account.creditsPending;
}

/** Which changes of an account's sums a transfer makes; what is left out stays. */
export type Change = Partial<Balances>;

/** The account with `change` added to its sums. */
export function changed<T extends Balances>(account: T, change: Change): T {
  return {
    ...account,
    debitsPosted: account.debitsPosted + (change.debitsPosted ?? 0n),
    creditsPosted: account.creditsPosted + (change.creditsPosted ?? 0n),
    debitsPending: account.debitsPending + (change.debitsPending ?? 0n),
    creditsPending: account.creditsPending + (change.creditsPending ?? 0n),
  };
}

/** Stops when an account is about to be written that breaks the rules of the books. */
export function assertSound(account: Account): void {
  const sums = [
    account.debitsPosted,
    account.creditsPosted,
    account.debitsPending,
    account.creditsPending,
  ];
  invariant(
    sums.every((sum) => sum >= 0n),
    `Account ${account.id} would have a negative sum: more was released than was held.`,
  );
  invariant(
    account.debitsPosted + account.debitsPending <= AMOUNT_MAX &&
      account.creditsPosted + account.creditsPending <= AMOUNT_MAX,
    `Account ${account.id} would leave 128 bits: every hold must be able to be posted.`,
  );
  invariant(
    !account.limited || availableOf(account) >= 0n,
    `Account ${account.id} would be overdrawn, and its code allows no overdraft.`,
  );
}

/** The same account by its sums: what was written is what was meant. */
export function assertSameBalances(written: Balances, meant: Balances, id: string): void {
  invariant(
    written.debitsPosted === meant.debitsPosted &&
      written.creditsPosted === meant.creditsPosted &&
      written.debitsPending === meant.debitsPending &&
      written.creditsPending === meant.creditsPending,
    `Account ${id} was read back with other sums than were written.`,
  );
}
