/** What the databases of an installation say about money, read behind the services' backs. */
import { derivedId, uuidToId } from "@tideway/kernel";
import type { Installation } from "./harness.ts";

export interface PaymentInRows {
  readonly payment: string;
  readonly transfer: string;
  readonly payer: string;
  readonly payee: string;
  readonly amount: string;
  readonly invoice: string | null;
  readonly state: string;
  readonly failure: string | null;
}

export interface Movement {
  readonly transfer: string;
  /** The payment that it carries as its reference. */
  readonly payment: string;
  /** Owners of the two accounts. */
  readonly payer: string;
  readonly payee: string;
  readonly amount: string;
}

export interface InvoiceInRows {
  readonly invoice: string;
  readonly state: string;
  readonly payment: string | null;
}

export interface Books {
  readonly payments: readonly PaymentInRows[];
  readonly invoices: readonly InvoiceInRows[];
  /** Every transfer of the code "payment". */
  readonly movements: readonly Movement[];
  /** Per asset, debits less credits over all accounts as kept and over all transfers. */
  readonly off: readonly {
    readonly asset: string;
    readonly kept: string;
    readonly moved: string;
  }[];
  readonly overdrawn: number;
  /** By person and asset: credits less debits over all transfers. */
  readonly balances: ReadonlyMap<string, bigint>;
  /** The payment that each idempotency key stands for. */
  readonly paymentOfKey: ReadonlyMap<string, string>;
}

/** Payments that are not final yet. */
export async function countPending(tideway: Installation): Promise<number> {
  const found = await rowsOf<{ count: number }>(
    tideway,
    "tideway_payments",
    "select count(*)::int as count from payments where state = 'pending'",
  );
  return found[0]?.count ?? 0;
}

export async function readBooks(tideway: Installation): Promise<Books> {
  return { ...(await readPayments(tideway)), ...(await readLedger(tideway)) };
}

async function readPayments(tideway: Installation) {
  const ask = <T extends object>(sql: string) => rowsOf<T>(tideway, "tideway_payments", sql);
  const payments = await ask<PaymentInRows>(
    `select payment, transfer, payer, payee, amount::text as amount, invoice, state, failure
     from payments`,
  );
  const invoices = await ask<InvoiceInRows>("select invoice, state, payment from invoices");
  const keys = await ask<{ key: string; operation: string }>(
    "select key, operation from idempotency_keys",
  );
  const derived = keys.map(async ({ key, operation }): Promise<[string, string]> => {
    return [key, await derivedId("pay", operation)];
  });
  const id = (prefix: string, uuid: string | null) =>
    uuid === null ? null : uuidToId(prefix, uuid);
  return {
    payments: payments.map((row) => ({
      ...row,
      payment: uuidToId("pay", row.payment),
      transfer: uuidToId("trf", row.transfer),
      payer: uuidToId("per", row.payer),
      payee: uuidToId("per", row.payee),
      invoice: id("inv", row.invoice),
    })),
    invoices: invoices.map((row) => ({
      ...row,
      invoice: uuidToId("inv", row.invoice),
      payment: id("pay", row.payment),
    })),
    paymentOfKey: new Map(await Promise.all(derived)),
  };
}

async function readLedger(tideway: Installation) {
  const ask = <T extends object>(sql: string) => rowsOf<T>(tideway, "tideway_ledger", sql);
  const movements = await ask<Movement>(
    `select t.id as transfer, t.reference as payment, d.owner as payer, c.owner as payee,
            t.amount::text as amount
     from transfers t join accounts d on d.id = t.debit join accounts c on c.id = t.credit
     where t.code = 'payment'`,
  );
  const off = await ask<Books["off"][number]>(
    `with sides as (
       select debit as account, asset, amount from transfers
       union all select credit, asset, -amount from transfers)
     select a.asset, sum(a.debits_posted - a.credits_posted)::text as kept,
            (select coalesce(sum(abs(per.sum)), 0)::text from (
               select b.id, sum(coalesce(s.amount, 0)) - (b.debits_posted - b.credits_posted) as sum
               from accounts b left join sides s on s.account = b.id
               where b.asset = a.asset group by b.id) per) as moved
     from accounts a group by a.asset order by a.asset`,
  );
  const overdrawn = await ask(
    "select 1 from accounts where code = 210 and debits_posted + debits_pending > credits_posted",
  );
  const balances = await ask<{ owner: string; asset: string; balance: string }>(
    `select a.owner, a.asset, sum(case when t.credit = a.id then t.amount else -t.amount end)::text
              as balance
     from accounts a join transfers t on t.debit = a.id or t.credit = a.id
     where a.code = 210 group by a.owner, a.asset`,
  );
  return {
    movements: movements.map((row) => ({ ...row, transfer: uuidToId("trf", row.transfer) })),
    off,
    overdrawn: overdrawn.length,
    balances: new Map(
      balances.map(({ owner, asset, balance }) => [`${owner} ${asset}`, BigInt(balance)]),
    ),
  };
}

async function rowsOf<T extends object>(
  tideway: Installation,
  database: string,
  sql: string,
): Promise<T[]> {
  const client = await tideway.database(database);
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}
