/**
 * Many transfers at once among few accounts, each sent several times, in all directions: nothing
 * is lost, made twice, overdrawn or deadlocked.
 */
import { idToUuid, until } from "@tideway/kernel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  codeOf,
  ending,
  isBalanced,
  openAccount,
  payment,
  standing,
  startLedger,
} from "./harness.ts";
import type { TestLedger, TransferBody } from "./harness.ts";

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startLedger();
});
afterAll(() => ledger.close());

const FUNDS = 200n;
/** Sends until the ledger was not too busy to tell, as its callers do. */
const send = (body: TransferBody): Promise<string> =>
  until(
    async () => {
      const code = await codeOf(ledger.as().postTransfer({ body }));
      return code !== "OVERLOADED" && code;
    },
    { deadlineMs: 20_000, what: "the ledger decides about a transfer" },
  );
const openMerchants = (count: number) =>
  Promise.all(
    Array.from({ length: count }, () => openAccount(ledger, { code: 220, amount: FUNDS })),
  );
const at = <T>(from: readonly T[], index: number): T => {
  const found = from[index % from.length];
  if (found === undefined) throw new Error("The list is empty.");
  return found;
};
const deadlocks = async (): Promise<string | undefined> => {
  const found = await ledger.admin.query<{ deadlocks: string }>(
    "select deadlocks from pg_stat_database where datname = current_database()",
  );
  return found.rows[0]?.deadlocks;
};

describe("at once", () => {
  test("50 transfers, each sent three times, among four accounts", async () => {
    const accounts = await openMerchants(4);
    const bodies = Array.from({ length: 50 }, (_, i) =>
      payment(at(accounts, i), at(accounts, i + 1 + (i % 3)), 17 + (i % 40)),
    );
    const codes = await Promise.all([...bodies, ...bodies, ...bodies].map(send));
    const made = bodies.filter((_, i) => codes[i] === "none");
    for (const [i, body] of bodies.entries()) {
      const answers = new Set([codes[i], codes[i + 50], codes[i + 100]]);
      const expected = made.includes(body)
        ? ["none"]
        : ["FUNDS_INSUFFICIENT", "TRANSFER_ID_BURNED"];
      expect(expected).toEqual(expect.arrayContaining([...answers]));
    }
    const rows = await ledger.admin.query("select id from transfers where id = any($1::uuid[])", [
      bodies.map((body) => idToUuid("trf", body.transfer)),
    ]);
    expect(rows.rowCount).toBe(made.length);
    expect(made.length).toBeGreaterThan(10);
    for (const account of accounts) {
      const moved = made.reduce((sum, body) => sum + effectOn(account, body), FUNDS);
      expect((await standing(ledger, account)).available).toBe(moved);
      expect(moved).toBeGreaterThanOrEqual(0n);
    }
    expect(await isBalanced(ledger)).toBe(true);
    expect(await deadlocks()).toBe("0");
  });

  test("opposite directions between two accounts", async () => {
    const accounts = await openMerchants(2);
    const bodies = Array.from({ length: 40 }, (_, i) =>
      payment(at(accounts, i), at(accounts, i + 1), 3),
    );
    expect(new Set(await Promise.all(bodies.map(send)))).toEqual(new Set(["none"]));
    for (const account of accounts) {
      expect((await standing(ledger, account)).available).toBe(FUNDS);
    }
    expect(await deadlocks()).toBe("0");
  });

  test("one account is never overdrawn by payments and holds together", async () => {
    const [from, to] = await openMerchants(2);
    if (from === undefined || to === undefined) throw new Error("Two were opened.");
    const bodies = Array.from({ length: 30 }, (_, i) =>
      payment(from, to, 11, i % 2 === 0 ? {} : { kind: "hold" as const }),
    );
    const codes = await Promise.all(bodies.map(send));
    const made = bodies.filter((_, i) => codes[i] === "none");
    expect(made).toHaveLength(Number(FUNDS / 11n));
    const held = made.filter((body) => body.kind === "hold");
    expect(await standing(ledger, from)).toEqual({
      available: FUNDS % 11n,
      held: BigInt(held.length) * 11n,
    });
    const ends = held.flatMap((hold) => [
      send(ending("post-hold", hold.transfer, { amount: "4" })),
      send(ending("void-hold", hold.transfer)),
    ]);
    const ended = await Promise.all(ends);
    expect(ended.filter((code) => code === "none")).toHaveLength(held.length);
    expect((await standing(ledger, from)).held).toBe(0n);
    expect(await isBalanced(ledger)).toBe(true);
  });
});

function effectOn(account: string, body: TransferBody): bigint {
  const amount = BigInt(body.amount ?? "0");
  if (body.debit === account) return -amount;
  return body.credit === account ? amount : 0n;
}
