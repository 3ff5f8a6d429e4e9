/** What PostgreSQL itself refuses, should the code ever try: immutability, limits, one fate an id. */
import { idToUuid, newId } from "@tideway/kernel";
import { sqlState, violatedConstraint } from "@tideway/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ending, failureOf, openAccount, payment, startLedger } from "./harness.ts";
import type { TestLedger } from "./harness.ts";

let ledger: TestLedger;
let from: string;
let to: string;
let hold: string;
beforeAll(async () => {
  ledger = await startLedger();
  from = await openAccount(ledger, { code: 220, amount: 100n });
  to = await openAccount(ledger, { code: 220 });
  hold = payment(from, to, 10).transfer;
  const client = ledger.as();
  await client.postTransfer({ body: payment(from, to, 10, { kind: "hold", transfer: hold }) });
  await client.postTransfer({ body: ending("void-hold", hold) });
  expect(await failureOf(client.postTransfer({ body: payment(from, to, 101) }))).not.toBeNull();
});
afterAll(() => ledger.close());

const PERMISSION_DENIED = "42501";
const failing = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => null,
    (error: unknown) => error,
  );

describe("the service's own role", () => {
  test.each(["transfers", "hold_resolutions", "burned_transfer_ids"])(
    "cannot change, delete or empty %s",
    async (table) => {
      const { pool } = ledger.database;
      expect((await pool.query(`select 1 from ${table} limit 1`)).rowCount).toBe(1);
      const column = table === "hold_resolutions" ? "hold" : "id";
      for (const statement of [
        `update ${table} set ${column} = ${column}`,
        `delete from ${table}`,
        `truncate ${table}`,
      ]) {
        expect(sqlState(await failing(pool.query(statement)))).toBe(PERMISSION_DENIED);
      }
    },
  );

  test.each(["limited = false", "owner = null", "normal_side = 'debit'", "asset = 'USD'"])(
    "cannot set %s on an account",
    async (change) => {
      const error = await failing(ledger.database.pool.query(`update accounts set ${change}`));
      expect(sqlState(error)).toBe(PERMISSION_DENIED);
    },
  );

  test("cannot add or change assets, nor switch the guards off", async () => {
    const { pool } = ledger.database;
    for (const statement of [
      "insert into assets (asset, scale, name) values ('XYZ', 2, 'x')",
      "update assets set scale = 3",
      "delete from accounts",
      "drop trigger transfers_refuse_burned_id on transfers",
      "alter table accounts drop constraint limit_holds",
    ]) {
      expect(sqlState(await failing(pool.query(statement)))).toBe(PERMISSION_DENIED);
    }
  });
});

describe("constraints", () => {
  const insert = (change: Readonly<Record<string, unknown>>) => {
    const row: Record<string, unknown> = {
      id: idToUuid("trf", newId("trf")),
      kind: "post",
      debit: idToUuid("acc", from),
      credit: idToUuid("acc", to),
      amount: "1",
      asset: "EUR",
      code: "payment",
      service: "payments",
      revision: "payments-1",
      at: new Date().toISOString(),
      ...change,
    };
    const names = Object.keys(row);
    return failing(
      ledger.database.pool.query(
        `insert into transfers (${names.join(", ")})
         values (${names.map((_, i) => `$${i + 1}`).join(", ")})`,
        Object.values(row),
      ),
    );
  };

  test("no overdraft, and no sum above 128 bits or below zero", async () => {
    const set = (change: string) =>
      failing(
        ledger.database.pool.query(`update accounts set ${change} where id = $1`, [
          idToUuid("acc", from),
        ]),
      );
    expect(violatedConstraint(await set("debits_posted = credits_posted + 1"))).toBe("limit_holds");
    expect(violatedConstraint(await set("debits_pending = credits_posted + 1"))).toBe(
      "limit_holds",
    );
    expect(violatedConstraint(await set("credits_pending = power(2::numeric, 128)"))).toBe(
      "balances_fit_128_bits",
    );
    expect(violatedConstraint(await set("credits_pending = -1"))).toBe(
      "accounts_credits_pending_check",
    );
  });

  test.each([
    ["another asset", () => ({ asset: "USD" }), "debit_of_same_asset"],
    ["one account twice", () => ({ credit: idToUuid("acc", from) }), "two_accounts"],
    ["a negative amount", () => ({ amount: "-1" }), "transfers_amount_check"],
    ["an end without a hold", () => ({ kind: "post-hold" }), "ends_a_hold"],
    ["a post with a hold", () => ({ pending: idToUuid("trf", hold) }), "ends_a_hold"],
    ["a post with a timeout", () => ({ timeout_seconds: 1 }), "timeout_of_a_hold"],
    ["an id twice", () => ({ id: idToUuid("trf", hold) }), "transfers_pkey"],
  ])("a transfer with %s is refused", async (_, change, constraint) => {
    expect(violatedConstraint(await insert(change()))).toBe(constraint);
  });

  test("a hold ends once", async () => {
    const error = await failing(
      ledger.database.pool.query(
        "insert into hold_resolutions (hold, outcome, at) values ($1, 'expired', now())",
        [idToUuid("trf", hold)],
      ),
    );
    expect(violatedConstraint(error)).toBe("hold_resolutions_pkey");
  });

  test("an id either moves money or is burned", async () => {
    const { pool } = ledger.database;
    const burned = await pool.query<{ id: string }>("select id from burned_transfer_ids limit 1");
    expect(sqlState(await insert({ id: burned.rows[0]?.id }))).toBe("23000");
    const error = await failing(
      pool.query(
        "insert into burned_transfer_ids (id, service, reason, given) values ($1, 'x', 'x', '{}')",
        [idToUuid("trf", hold)],
      ),
    );
    expect(sqlState(error)).toBe("23000");
  });
});
