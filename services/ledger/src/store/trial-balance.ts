/** The books recomputed from the transfers, and compared with the sums kept beside them. */
import type { Queryable } from "@tideway/store";

export interface AssetBalance {
  readonly asset: string;
  /** Recomputed from the transfers and how holds ended, in minor units. */
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly debitsPending: bigint;
  readonly creditsPending: bigint;
  readonly transfers: number;
  /**
   * Minor units by which the books are wrong: what debits and credits differ by, and what each
   * account's kept sums differ from the recomputed ones by. Zero, or something is broken.
   */
  readonly imbalance: bigint;
}

interface BalanceRow {
  readonly asset: string;
  readonly debits_posted: string;
  readonly credits_posted: string;
  readonly debits_pending: string;
  readonly credits_pending: string;
  readonly transfers: string;
  readonly drift: string;
}

/** Recomputes every account in one statement, so in one snapshot; reads all transfers. */
export async function readTrialBalance(db: Queryable): Promise<AssetBalance[]> {
  const found = await db.query<BalanceRow>(
    `with facts as (
       select t.debit, t.credit, t.amount,
              t.kind in ('post', 'post-hold') as is_posted,
              t.kind = 'hold' and r.hold is null as is_pending
       from transfers t left join hold_resolutions r on r.hold = t.id
     ), sides as (
       select debit as account, count(*) as transfers,
              sum(amount) filter (where is_posted) as debits_posted,
              sum(amount) filter (where is_pending) as debits_pending,
              null::numeric as credits_posted, null::numeric as credits_pending
       from facts group by debit
       union all
       select credit, 0, null, null,
              sum(amount) filter (where is_posted), sum(amount) filter (where is_pending)
       from facts group by credit
     ), recomputed as (
       select account, sum(transfers) as transfers,
              coalesce(sum(debits_posted), 0) as debits_posted,
              coalesce(sum(credits_posted), 0) as credits_posted,
              coalesce(sum(debits_pending), 0) as debits_pending,
              coalesce(sum(credits_pending), 0) as credits_pending
       from sides group by account
     )
     select s.asset,
            coalesce(sum(n.debits_posted), 0) as debits_posted,
            coalesce(sum(n.credits_posted), 0) as credits_posted,
            coalesce(sum(n.debits_pending), 0) as debits_pending,
            coalesce(sum(n.credits_pending), 0) as credits_pending,
            coalesce(sum(n.transfers), 0) as transfers,
            coalesce(sum(abs(a.debits_posted - coalesce(n.debits_posted, 0))
              + abs(a.credits_posted - coalesce(n.credits_posted, 0))
              + abs(a.debits_pending - coalesce(n.debits_pending, 0))
              + abs(a.credits_pending - coalesce(n.credits_pending, 0))), 0) as drift
     from assets s
     left join accounts a on a.asset = s.asset
     left join recomputed n on n.account = a.id
     group by s.asset order by s.asset`,
  );
  return found.rows.map(balanceOf);
}

function balanceOf(row: BalanceRow): AssetBalance {
  const sums = {
    debitsPosted: BigInt(row.debits_posted),
    creditsPosted: BigInt(row.credits_posted),
    debitsPending: BigInt(row.debits_pending),
    creditsPending: BigInt(row.credits_pending),
  };
  const imbalance =
    BigInt(row.drift) +
    distance(sums.debitsPosted, sums.creditsPosted) +
    distance(sums.debitsPending, sums.creditsPending);
  return { ...sums, asset: row.asset, transfers: Number(row.transfers), imbalance };
}

function distance(a: bigint, b: bigint): bigint {
  return a > b ? a - b : b - a;
}
