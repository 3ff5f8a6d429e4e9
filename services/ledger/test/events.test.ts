/** A transfer's event is there if and only if the transfer is, and in the order of its account. */
import { Compile } from "typebox/compile";
import { TransferPosted } from "@tideway/api-ledger";
import { idToUuid, until, uuidToId } from "@tideway/kernel";
import { tx } from "@tideway/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codeOf, customer, ending, openAccount, payment, startLedger } from "./harness.ts";
import type { TestLedger, TransferBody } from "./harness.ts";

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startLedger();
});
afterAll(() => ledger.close());

interface Told {
  readonly key: string;
  readonly type: string;
  readonly traceparent: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}
const schema = Compile(TransferPosted);

/** What the outbox tells of a transfer, in the order in which the relay takes it. */
async function toldOf(transfer: string): Promise<readonly Told[]> {
  const found = await ledger.admin.query<Omit<Told, "data"> & { data: string }>(
    `select key, type, traceparent, data from tideway.outbox
     where data::jsonb ->> 'transfer' = $1 order by id`,
    [transfer],
  );
  return found.rows.map((row) => ({ ...row, data: JSON.parse(row.data) }));
}
const post = (body: TransferBody) => ledger.as().postTransfer({ body });
const merchants = async (amount: bigint) =>
  [
    await openAccount(ledger, { code: 220, amount }),
    await openAccount(ledger, { code: 220 }),
  ] as const;

describe("an event is told", () => {
  test("of a transfer, once, with what was written and nothing of a person", async () => {
    const [ada, ben] = [await customer(ledger, 500n), await customer(ledger)];
    const body = payment(ada.account, ben.account, 480, { reference: "pay_1" });
    const made = await ledger.as({ person: ada.person }).postTransfer({ body });
    await ledger.as({ person: ada.person }).postTransfer({ body });
    const [event, ...others] = await toldOf(body.transfer);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ key: ada.account, type: "ledger.transfer.posted.v1" });
    expect(event?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);
    expect(event?.data).toEqual({
      transfer: body.transfer,
      kind: "post",
      debit: ada.account,
      credit: ben.account,
      amount: "480",
      asset: "EUR",
      scale: 2,
      code: "payment",
      pending: null,
      reference: "pay_1",
      service: "payments",
      at: made.at,
    });
    expect(schema.Check(event?.data)).toBe(true);
    expect(JSON.stringify(event)).not.toContain(ada.person);
  });

  test.each(["post-hold", "void-hold"] as const)("of a hold and of its %s", async (kind) => {
    const [from, to] = await merchants(100n);
    const hold = payment(from, to, 60, { kind: "hold" });
    await post(hold);
    const end = ending(kind, hold.transfer);
    await post(end);
    expect((await toldOf(hold.transfer))[0]?.data).toMatchObject({ kind: "hold", pending: null });
    const [ended] = await toldOf(end.transfer);
    expect(ended).toMatchObject({
      key: from,
      data: { kind, amount: "60", pending: hold.transfer },
    });
    expect(schema.Check(ended?.data)).toBe(true);
  });
});

describe("nothing is told", () => {
  test("of a transfer that is refused, and of an id that is burned", async () => {
    const [from, to] = await merchants(10n);
    const tooMuch = payment(from, to, 11);
    expect(await codeOf(post(tooMuch))).toBe("FUNDS_INSUFFICIENT");
    expect(await codeOf(post(tooMuch))).toBe("TRANSFER_ID_BURNED");
    expect(await toldOf(tooMuch.transfer)).toEqual([]);
  });

  test("of a transfer that is cut off before its commit, until it is repeated", async () => {
    const [from, to] = await merchants(100n);
    const body = payment(from, to, 60);
    await tx(ledger.admin, async (blocker) => {
      // The event is the last thing that is written, so the transfer's rows are there by then.
      await blocker.query("lock table tideway.outbox in share mode");
      const answer = codeOf(post(body));
      const cut = () =>
        ledger.admin.query(
          `select pg_terminate_backend(a.pid)
           from pg_stat_activity a join pg_locks l on l.pid = a.pid
           where a.datname = current_database() and not l.granted
             and l.relation = 'tideway.outbox'::regclass`,
        );
      await until(async () => (await cut()).rowCount === 1, {
        deadlineMs: 4_000,
        what: "the transfer waits to tell of itself",
      });
      expect(await answer).toBe("UPSTREAM_UNAVAILABLE");
    });
    expect(await toldOf(body.transfer)).toEqual([]);
    await post(body);
    expect(await toldOf(body.transfer)).toHaveLength(1);
  });
});

test("the relay meets an account's transfers in the order in which they were made", async () => {
  const [from, to] = await merchants(1_000n);
  await Promise.all(Array.from({ length: 40 }, () => post(payment(from, to, 1))));
  const told = await ledger.admin.query<{ transfer: string }>(
    "select data::jsonb ->> 'transfer' as transfer from tideway.outbox where key = $1 order by id",
    [from],
  );
  const made = await ledger.admin.query<{ id: string }>(
    "select id from transfers where debit = $1 order by at",
    [idToUuid("acc", from)],
  );
  expect(told.rows.map((row) => row.transfer)).toEqual(
    made.rows.map((row) => uuidToId("trf", row.id)),
  );
  expect(told.rowCount).toBe(40);
});

test("all transfers there are have their event, and all events their transfer", async () => {
  const told = await ledger.admin.query<{ transfer: string }>(
    "select data::jsonb ->> 'transfer' as transfer from tideway.outbox",
  );
  const made = await ledger.admin.query<{ id: string }>("select id from transfers");
  expect(told.rows.map((row) => row.transfer).sort()).toEqual(
    made.rows.map((row) => uuidToId("trf", row.id)).sort(),
  );
});
