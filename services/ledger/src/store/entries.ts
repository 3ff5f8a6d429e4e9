/** The history of an account. */
import type { Queryable } from "@tideway/store";
import type { Side } from "../domain/chart.ts";
import type { TransferKind } from "../domain/transfer.ts";
import { accountId, accountUuid, transferId, transferUuid } from "./ids.ts";

export interface Entry {
  readonly transfer: string;
  readonly side: Side;
  readonly other: string;
  readonly kind: TransferKind;
  readonly amount: bigint;
  readonly code: string;
  readonly reference: string | null;
  readonly atMicros: bigint;
}

/** A place in a history: entries after it are older. */
export interface EntryPosition {
  readonly transfer: string;
  readonly atMicros: bigint;
}

interface EntryRow {
  readonly id: string;
  readonly side: Side;
  readonly other: string;
  readonly kind: TransferKind;
  readonly amount: string;
  readonly code: string;
  readonly reference: string | null;
  readonly at_micros: string;
}

/**
 * Entries of an account, newest first, those older than `after`.
 *
 * No late commit can be skipped: an entry gets its time while its account is locked, and later
 * than the account's last one. So on one account the order of times is the order of commits, and
 * what commits while somebody pages stands before everything they have seen.
 */
export async function readEntries(
  db: Queryable,
  account: string,
  options: { readonly after: EntryPosition | null; readonly limit: number },
): Promise<Entry[]> {
  const { after, limit } = options;
  const found = await db.query<EntryRow>(
    `with place as (
       select coalesce(timestamptz 'epoch' + $2::bigint * interval '1 microsecond', 'infinity') as at,
              coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') as id)
     select id, side, other, kind, amount, code, reference,
            (extract(epoch from at) * 1000000)::bigint as at_micros
     from (
       (select t.id, 'debit' as side, t.credit as other, t.kind, t.amount, t.code, t.reference, t.at
        from transfers t
        where t.debit = $1 and (t.at, t.id) < ((select at from place), (select id from place))
        order by t.at desc, t.id desc limit $4)
       union all
       (select t.id, 'credit', t.debit, t.kind, t.amount, t.code, t.reference, t.at
        from transfers t
        where t.credit = $1 and (t.at, t.id) < ((select at from place), (select id from place))
        order by t.at desc, t.id desc limit $4)
     ) sides
     order by at desc, id desc limit $4`,
    [
      accountUuid(account),
      after?.atMicros.toString() ?? null,
      after === null ? null : transferUuid(after.transfer),
      limit,
    ],
  );
  return found.rows.map((row) => ({
    transfer: transferId(row.id),
    side: row.side,
    other: accountId(row.other),
    kind: row.kind,
    amount: BigInt(row.amount),
    code: row.code,
    reference: row.reference,
    atMicros: BigInt(row.at_micros),
  }));
}
