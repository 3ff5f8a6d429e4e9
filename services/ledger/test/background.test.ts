/** Sweeper and checker: expired holds without a service that sweeps, and books that are wrong. */
import { fileURLToPath } from "node:url";
import { ledgerApi } from "@tideway/api-ledger";
import { createPublisher } from "@tideway/events";
import { idToUuid, newId, systemClock, until } from "@tideway/kernel";
import { createPool, tx } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { createLogger, createMetrics } from "@tideway/telemetry";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkBooks } from "../src/background/check-books.ts";
import { sweepHolds } from "../src/background/sweep-holds.ts";
import type { Account } from "../src/domain/account.ts";
import { availableOf } from "../src/domain/account.ts";
import type { Actor } from "../src/domain/grants.ts";
import type { MoveCommand } from "../src/domain/transfer.ts";
import type { PublishLedgerEvents } from "../src/events/transfer-posted.ts";
import { createMeasures } from "../src/measures.ts";
import { insertAccounts, readAccount } from "../src/store/accounts.ts";
import { houseAccountId, openHouseAccounts } from "../src/store/house-accounts.ts";
import { makeTransfer } from "../src/store/make-transfer.ts";
import { readTrialBalance } from "../src/store/trial-balance.ts";

let database: TestDatabase;
let admin: Pool;
let publish: PublishLedgerEvents;
beforeAll(async () => {
  const migrations = fileURLToPath(new URL("../migrations", import.meta.url));
  database = await testDatabase({ service: "ledger", migrations });
  admin = createPool({ url: database.adminUrl, connectionsMax: 2, applicationName: "admin" });
  const logger = createLogger({ service: "ledger", destination: { write: () => {} } });
  publish = createPublisher(ledgerApi, { pool: database.pool, logger });
  await openHouseAccounts(database.pool);
});
afterAll(async () => {
  await admin.end();
  await database.close();
});

const actor: Actor = {
  service: "payments",
  revision: "payments-1",
  person: null,
  grants: [
    { operation: "transfer", debit: 310, credit: 220, code: "demo-money" },
    { operation: "transfer", debit: 220, credit: 220, code: "payment" },
    { operation: "hold", debit: 220, credit: 220, code: "payment" },
  ],
};

const open = async (): Promise<string> => {
  const id = newId("acc");
  const rest = { code: 220, normalSide: "credit", limited: true, openedBy: "payments" } as const;
  await insertAccounts(database.pool, [{ ...rest, id, asset: "EUR", owner: newId("per") }]);
  return id;
};
const move = (debit: string, credit: string, amount: bigint, change: Partial<MoveCommand> = {}) =>
  makeTransfer(
    { pool: database.pool, publish },
    {
      id: newId("trf"),
      kind: "post",
      debit,
      credit,
      amount,
      asset: "EUR",
      code: "payment",
      reference: null,
      timeoutSeconds: null,
      ...change,
    },
    actor,
  );
const fund = async (account: string, amount: bigint) =>
  move(await houseAccountId(310, "EUR"), account, amount, { code: "demo-money" });
const read = async (id: string): Promise<Account> => {
  const account = await readAccount(database.pool, id);
  if (account === undefined) throw new Error("It was opened.");
  return account;
};
/** Reserves `count` times 1 minor unit from one account towards many, and lets all of it expire. */
const expiredHolds = async (from: string, count: number): Promise<void> => {
  const others = await Promise.all([open(), open(), open()]);
  for (let i = 0; i < count; i++) {
    const to = others[i % 3] ?? from;
    await move(from, to, 1n, { kind: "hold", timeoutSeconds: 600 });
  }
  const past = "make_interval(secs => 600)";
  const id = idToUuid("acc", from);
  await admin.query(`update transfers set at = at - ${past} where kind = 'hold' and debit = $1`, [
    id,
  ]);
  await admin.query(`update hold_timeouts set expires_at = expires_at - ${past} where debit = $1`, [
    id,
  ]);
};
const writtenPending = async (account: string): Promise<string | undefined> => {
  const found = await admin.query<{ debits_pending: string }>(
    "select debits_pending from accounts where id = $1",
    [idToUuid("acc", account)],
  );
  return found.rows[0]?.debits_pending;
};
const measuresOf = () => {
  const metrics = createMetrics("ledger");
  return { metrics, measures: createMeasures(metrics) };
};

describe("expired holds", () => {
  test("never refuse a transfer, however many nobody has swept", async () => {
    const [from, to] = [await open(), await open()];
    await fund(from, 130n);
    await expiredHolds(from, 130);
    expect(await writtenPending(from)).toBe("130");
    expect(availableOf(await read(from))).toBe(130n);
    expect(await move(from, to, 130n)).toMatchObject({ kind: "made" });
    expect(availableOf(await read(to))).toBe(130n);
    expect((await readTrialBalance(database.pool)).every((one) => one.imbalance === 0n)).toBe(true);
  });

  test("a refusal tells what is available without them", async () => {
    const [from, to] = [await open(), await open()];
    await fund(from, 10n);
    await expiredHolds(from, 4);
    await move(from, to, 3n, { kind: "hold" });
    expect(await move(from, to, 8n)).toMatchObject({
      kind: "refused",
      refusal: { code: "FUNDS_INSUFFICIENT", given: { available: "7", amount: "8" } },
    });
  });

  test("are swept in batches, also by two sweepers at once, and counted", async () => {
    const from = await open();
    await fund(from, 210n);
    await sweepHolds(database.pool, measuresOf().measures);
    await expiredHolds(from, 210);
    const { metrics, measures } = measuresOf();
    const swept = await Promise.all([
      sweepHolds(database.pool, measures),
      sweepHolds(database.pool, measures),
    ]);
    const rest = await sweepHolds(database.pool, measures);
    expect(swept.reduce((sum, one) => sum + one, rest)).toBe(210);
    expect(await writtenPending(from)).toBe("0");
    expect(await metrics.registry.metrics()).toMatch(
      /tideway_ledger_holds_expired_total\{.*\} 210/,
    );
    expect((await readTrialBalance(database.pool)).every((one) => one.imbalance === 0n)).toBe(true);
  });
});

describe("the checker", () => {
  const check = async () => {
    const lines: string[] = [];
    const { metrics, measures } = measuresOf();
    const logger = createLogger({
      service: "ledger",
      destination: { write: (line) => void lines.push(line) },
    });
    await checkBooks({ pool: database.pool, measures, logger, clock: systemClock });
    const gauge = /tideway_ledger_imbalance_minor\{asset="EUR".*\} (\S+)/.exec(
      await metrics.registry.metrics(),
    );
    return { gauge: gauge?.[1], alarms: lines.filter((line) => line.includes("imbalance")) };
  };

  test("has longer than a request, since it reads every transfer", async () => {
    const url = database.url;
    const hasty = { url, connectionsMax: 1, applicationName: "test", statementTimeoutMs: 50 };
    const pool = createPool(hasty);
    const { metrics, measures } = measuresOf();
    const logger = createLogger({ service: "ledger", destination: { write: () => undefined } });
    const checking = await tx(admin, async (blocker) => {
      await blocker.query("lock table transfers in access exclusive mode");
      const run = checkBooks({ pool, measures, logger, clock: systemClock });
      const waited = run.catch((error: unknown) => error);
      await until(
        async () => {
          const waiting = await admin.query(
            `select 1 from pg_stat_activity where application_name = 'test'
               and wait_event_type = 'Lock' and now() - query_start > interval '200 milliseconds'`,
          );
          return waiting.rowCount === 1;
        },
        { deadlineMs: 5_000, what: "the checker waits longer than a request may" },
      );
      return { waited };
    });
    expect(await checking.waited).toBeUndefined();
    expect(await metrics.registry.metrics()).toMatch(/checked_at_seconds\{.*\} [1-9]/);
    await pool.end();
  });

  test("says 0 and nothing more while the books are right", async () => {
    await fund(await open(), 5n);
    expect(await check()).toEqual({ gauge: "0", alarms: [] });
  });

  test.each([
    ["a kept sum", "update accounts set credits_posted = credits_posted + 7 where id = $1", "7"],
    ["a transfer", "update transfers set amount = amount - 2 where credit = $1", "4"],
    ["a lost transfer", "delete from transfers where credit = $1", "10"],
  ])("raises the alarm for %s that was tampered with", async (_, statement, gauge) => {
    const account = await open();
    await fund(account, 5n);
    const before = await check();
    await admin.query(statement, [idToUuid("acc", account)]);
    const { gauge: after, alarms } = await check();
    expect(Number(after) - Number(before.gauge)).toBe(Number(gauge));
    expect(JSON.parse(alarms[0] ?? "{}")).toMatchObject({
      level: "error",
      event: "ledger.imbalance",
      asset: "EUR",
    });
  });
});
