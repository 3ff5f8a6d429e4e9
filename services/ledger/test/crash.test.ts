/**
 * The connection of a transfer is cut between its first insert and its commit. To catch it there
 * another transaction holds the table that the transfer writes next.
 */
import { idToUuid, newId, until } from "@tideway/kernel";
import { createPool, databaseFailure, tx } from "@tideway/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ending,
  failureOf,
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

const rowsOf = async (transfer: string): Promise<number> => {
  const found = await ledger.admin.query("select 1 from transfers where id = $1", [
    idToUuid("trf", transfer),
  ]);
  return found.rowCount ?? 0;
};

/** Sends the body and kills its connection while it waits to write `table`. */
async function cutAt(table: "hold_resolutions" | "hold_timeouts", body: TransferBody) {
  return tx(ledger.admin, async (blocker) => {
    await blocker.query(`lock table ${table} in share mode`);
    const answer = failureOf(ledger.as().postTransfer({ body }));
    await until(
      async () => {
        const cut = await ledger.admin.query(
          `select pg_terminate_backend(a.pid) from pg_stat_activity a join pg_locks l on l.pid = a.pid
           where a.datname = current_database() and not l.granted and l.relation = $1::regclass
             and a.query like $2`,
          [table, `%insert into ${table}%`],
        );
        return cut.rowCount === 1;
      },
      { deadlineMs: 4_000, what: `a transfer waits to insert into ${table}` },
    );
    return answer;
  });
}

describe("a transfer that is cut between insert and commit", () => {
  test("leaves nothing, says that it may be repeated, and can be", async () => {
    const from = await openAccount(ledger, { code: 220, amount: 100n });
    const to = await openAccount(ledger, { code: 220 });
    const hold = payment(from, to, 60, { kind: "hold" });
    await ledger.as().postTransfer({ body: hold });
    const body = ending("post-hold", hold.transfer);
    expect(await cutAt("hold_resolutions", body)).toMatchObject({
      code: "UPSTREAM_UNAVAILABLE",
      status: 503,
      retryable: true,
    });
    expect(await rowsOf(body.transfer)).toBe(0);
    expect(await standing(ledger, from)).toEqual({ available: 40n, held: 60n });
    expect(await isBalanced(ledger)).toBe(true);
    await ledger.as().postTransfer({ body });
    expect(await standing(ledger, to)).toEqual({ available: 60n, held: 0n });
  });

  test("a hold that is cut before its timer is written holds nothing", async () => {
    const from = await openAccount(ledger, { code: 220, amount: 100n });
    const to = await openAccount(ledger, { code: 220 });
    const body = payment(from, to, 60, { kind: "hold", timeoutSeconds: 60 });
    expect(await cutAt("hold_timeouts", body)).toMatchObject({ code: "UPSTREAM_UNAVAILABLE" });
    expect(await rowsOf(body.transfer)).toBe(0);
    expect(await standing(ledger, from)).toEqual({ available: 100n, held: 0n });
    await ledger.as().postTransfer({ body });
    expect(await standing(ledger, from)).toEqual({ available: 40n, held: 60n });
  });
});

describe("failures of the database", () => {
  test("a lock that is not to be had is OVERLOADED, with nothing done", async () => {
    const from = await openAccount(ledger, { code: 220, amount: 100n });
    const to = await openAccount(ledger, { code: 220 });
    const body = payment(from, to, 60);
    const error = await tx(ledger.admin, async (blocker) => {
      const id = idToUuid("acc", from);
      await blocker.query("select 1 from accounts where id = $1 for update", [id]);
      return failureOf(ledger.as().postTransfer({ body }));
    });
    expect(error).toMatchObject({ code: "OVERLOADED", status: 503, retryable: true });
    expect(await rowsOf(body.transfer)).toBe(0);
    await ledger.as().postTransfer({ body });
    expect(await standing(ledger, to)).toEqual({ available: 60n, held: 0n });
  });

  test("a server that is not there is UPSTREAM_UNAVAILABLE", async () => {
    const pool = createPool({
      url: "postgresql://nobody@127.0.0.1:1/nothing",
      connectionsMax: 1,
      applicationName: "test",
    });
    const error: unknown = await pool.query("select 1").catch((reason: unknown) => reason);
    expect(databaseFailure(error, "ledger")).toMatchObject({ code: "UPSTREAM_UNAVAILABLE" });
    await pool.end();
  });

  test("what is wrong with the request or with us stays what it is", async () => {
    const broken: unknown = await ledger.admin
      .query("insert into assets (asset, scale, name) values ('EUR', 2, $1)", [
        newId("x".repeat(2)),
      ])
      .catch((reason: unknown) => reason);
    expect(databaseFailure(broken, "ledger")).toBe(broken);
    expect(databaseFailure("no error", "ledger")).toBe("no error");
  });
});
