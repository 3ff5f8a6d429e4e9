/** Accounts: one statement a function. */
import type { Queryable, Transaction } from "@tideway/store";
import { changed } from "../domain/account.ts";
import type { Account, Balances } from "../domain/account.ts";
import type { Side } from "../domain/chart.ts";
import { accountId, accountUuid } from "./ids.ts";

export const ACCOUNTS_OF_OWNER_MAX = 200;

const COLUMNS = `a.id, a.asset, s.scale, a.code, a.owner, a.normal_side, a.limited,
  a.debits_posted, a.credits_posted, a.debits_pending, a.credits_pending,
  (extract(epoch from a.last_entry_at) * 1000000)::bigint as last_entry_at_micros,
  (extract(epoch from a.opened_at) * 1000000)::bigint as opened_at_micros`;

/** What is over but not swept yet; taken off on reading, so that nobody sees it as held. */
const EXPIRED = `
  (select coalesce(sum(h.amount), 0) from hold_timeouts h
   where h.debit = a.id and h.expires_at <= statement_timestamp()) as debits_expired,
  (select coalesce(sum(h.amount), 0) from hold_timeouts h
   where h.credit = a.id and h.expires_at <= statement_timestamp()) as credits_expired`;

interface AccountRow {
  readonly id: string;
  readonly asset: string;
  readonly scale: number;
  readonly code: number;
  readonly owner: string | null;
  readonly normal_side: Side;
  readonly limited: boolean;
  readonly debits_posted: string;
  readonly credits_posted: string;
  readonly debits_pending: string;
  readonly credits_pending: string;
  readonly last_entry_at_micros: string | null;
  readonly opened_at_micros: string;
}

interface ShownRow extends AccountRow {
  readonly debits_expired: string;
  readonly credits_expired: string;
}

/** An account as it stands, expired holds taken off; undefined when there is none. */
export async function readAccount(db: Queryable, account: string): Promise<Account | undefined> {
  const found = await db.query<ShownRow>(
    `select ${COLUMNS}, ${EXPIRED}
     from accounts a join assets s on s.asset = a.asset where a.id = $1`,
    [accountUuid(account)],
  );
  return found.rows.map(shownOf)[0];
}

/** The accounts of an owner whose codes are in `codes`, at most 200. */
export async function readAccountsOf(
  db: Queryable,
  owner: string,
  codes: readonly number[],
): Promise<Account[]> {
  const found = await db.query<ShownRow>(
    `select ${COLUMNS}, ${EXPIRED}
     from accounts a join assets s on s.asset = a.asset
     where a.owner = $1 and a.code = any($2::int[])
     order by a.code, a.asset, a.id limit $3`,
    [owner, codes, ACCOUNTS_OF_OWNER_MAX],
  );
  return found.rows.map(shownOf);
}

/**
 * Locks accounts until the transaction ends, and answers them with the sums as written. They are
 * locked in the order of their ids, so that two transfers in opposite directions cannot deadlock.
 */
export async function lockAccounts(
  transaction: Transaction,
  accounts: readonly string[],
): Promise<Map<string, Account>> {
  const uuids = accounts.map(accountUuid);
  // Nearly always two: then the plan need not be made anew for each array.
  const isTwo = uuids.length === 2;
  const found = await transaction.query<AccountRow>(
    `select ${COLUMNS} from accounts a join assets s on s.asset = a.asset
     where ${isTwo ? "a.id in ($1, $2)" : "a.id = any($1::uuid[])"} order by a.id for update of a`,
    isTwo ? uuids : [uuids],
  );
  return new Map(found.rows.map((row) => [accountId(row.id), accountOf(row)]));
}

/** Writes the sums of locked accounts and answers them as they are now. */
export async function writeBalances(
  transaction: Transaction,
  accounts: readonly Account[],
): Promise<Map<string, Balances>> {
  const column = (name: keyof Balances): string[] => accounts.map((one) => one[name].toString());
  const written = await transaction.query<AccountRow>(
    `update accounts a
     set debits_posted = n.debits_posted, credits_posted = n.credits_posted,
         debits_pending = n.debits_pending, credits_pending = n.credits_pending,
         last_entry_at = timestamptz 'epoch' + n.last_entry_at * interval '1 microsecond'
     from unnest($1::uuid[], $2::numeric[], $3::numeric[], $4::numeric[], $5::numeric[], $6::bigint[])
       as n(id, debits_posted, credits_posted, debits_pending, credits_pending, last_entry_at)
     where a.id = n.id
     returning a.id, a.debits_posted, a.credits_posted, a.debits_pending, a.credits_pending`,
    [
      accounts.map((one) => accountUuid(one.id)),
      column("debitsPosted"),
      column("creditsPosted"),
      column("debitsPending"),
      column("creditsPending"),
      accounts.map((one) => one.lastEntryAtMicros?.toString() ?? null),
    ],
  );
  return new Map(written.rows.map((row) => [accountId(row.id), balancesOf(row)]));
}

/** What opening writes; sums begin at zero. */
export interface NewAccount {
  readonly id: string;
  readonly asset: string;
  readonly code: number;
  readonly owner: string | null;
  readonly normalSide: Side;
  readonly limited: boolean;
  readonly openedBy: string;
}

/** Inserts those accounts whose ids are free; the others stay as they are. */
export async function insertAccounts(
  db: Queryable,
  accounts: readonly NewAccount[],
): Promise<number> {
  const inserted = await db.query(
    `insert into accounts (id, asset, code, owner, normal_side, limited, opened_by)
     select n.id, n.asset, n.code, n.owner, n.normal_side, n.limited, n.opened_by
     from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::bool[], $7::text[])
       as n(id, asset, code, owner, normal_side, limited, opened_by)
     order by n.id
     on conflict do nothing`,
    [
      accounts.map((one) => accountUuid(one.id)),
      accounts.map((one) => one.asset),
      accounts.map((one) => one.code),
      accounts.map((one) => one.owner),
      accounts.map((one) => one.normalSide),
      accounts.map((one) => one.limited),
      accounts.map((one) => one.openedBy),
    ],
  );
  return inserted.rowCount ?? 0;
}

function shownOf(row: ShownRow): Account {
  return changed(accountOf(row), {
    debitsPending: -BigInt(row.debits_expired),
    creditsPending: -BigInt(row.credits_expired),
  });
}

function accountOf(row: AccountRow): Account {
  return {
    ...balancesOf(row),
    id: accountId(row.id),
    asset: row.asset,
    scale: row.scale,
    code: row.code,
    owner: row.owner,
    normalSide: row.normal_side,
    limited: row.limited,
    lastEntryAtMicros: row.last_entry_at_micros === null ? null : BigInt(row.last_entry_at_micros),
    openedAtMicros: BigInt(row.opened_at_micros),
  };
}

type BalanceColumns = "debits_posted" | "credits_posted" | "debits_pending" | "credits_pending";

function balancesOf(row: Pick<AccountRow, BalanceColumns>): Balances {
  return {
    debitsPosted: BigInt(row.debits_posted),
    creditsPosted: BigInt(row.credits_posted),
    debitsPending: BigInt(row.debits_pending),
    creditsPending: BigInt(row.credits_pending),
  };
}
