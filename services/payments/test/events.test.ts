/** What payments tells of and listens to: in the outbox with the state it tells of, or not at all. */
import { Client } from "pg";
import { idToUuid, newId, until } from "@tideway/kernel";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ask, codeOf, newKey, pay, send, startMoney } from "./money-under-test.ts";
import type { Money } from "./money-under-test.ts";

let money: Money;
beforeAll(async () => {
  money = await startMoney();
});
afterEach(() => money.heal());
afterAll(() => money.close());

interface OutboxRow {
  readonly type: string;
  readonly key: string;
  readonly data: Record<string, unknown>;
}

const outboxOf = async (payment: string): Promise<OutboxRow[]> => {
  const found = await money.admin.query<OutboxRow>(
    `select type, key, data::jsonb as data from tideway.outbox
     where data::jsonb ->> 'payment' = $1 order by id`,
    [payment],
  );
  return found.rows;
};

test("a payment is told of once, under its payer, without names and notes", async () => {
  const [ada, ben] = await Promise.all([money.rich("Ada"), money.signUp("Ben")]);
  const key = newKey();
  const paid = await send(ada, ben, "480", { key, note: "for lunch" });
  await send(ada, ben, "480", { key, note: "for lunch" });
  const events = await outboxOf(paid.payment);
  expect(events).toEqual([
    {
      type: "payments.payment.paid.v1",
      key: ada.person,
      data: {
        payment: paid.payment,
        transfer: paid.transfer,
        payer: ada.person,
        payee: ben.person,
        amount: "480",
        asset: "EUR",
        scale: 2,
        invoice: null,
      },
    },
  ]);
  expect(JSON.stringify(events)).not.toMatch(/lunch|Ada|Ben/);
});

test("an invoice is told of along with its payment, and a failure with its code", async () => {
  const [ada, ben, poor] = await Promise.all([money.rich(), money.signUp(), money.signUp()]);
  const { invoice } = await ask(ben, "700");
  expect(await codeOf(pay(poor, invoice))).toBe("FUNDS_INSUFFICIENT");
  const [attempt] = (await poor.payments.payments()).items;
  expect(await outboxOf(attempt?.payment ?? "")).toMatchObject([
    { type: "payments.payment.failed.v1", data: { failure: "FUNDS_INSUFFICIENT", invoice } },
  ]);
  const paid = await pay(ada, invoice);
  expect((await outboxOf(paid.payment)).map(({ type, key }) => `${type} ${key}`)).toEqual([
    `payments.payment.paid.v1 ${ada.person}`,
    `payments.invoice.paid.v1 ${invoice}`,
  ]);
});

test("the ledger's word finishes a payment that was cut off, once, and its saga agrees", async () => {
  const [ada, ben] = await Promise.all([money.rich(), money.signUp()]);
  money.gateway.fault = (call) =>
    call.path === "/transfers" && call.method === "POST" ? "lose-answer" : "none";
  const key = newKey();
  expect(await codeOf(send(ada, ben, "480", { key }))).toBe("UPSTREAM_UNAVAILABLE");
  await money.heal();
  const [cutOff] = (await ada.payments.payments()).items;
  expect(cutOff?.state).toBe("pending");
  const event = await eventOf(cutOff?.transfer ?? "");
  const deliver = () => deliverTo(event);
  expect(await deliver()).toMatchObject({ results: [{ id: event.id, outcome: "applied" }] });
  expect(await deliver()).toMatchObject({ results: [{ id: event.id, outcome: "duplicate" }] });
  const [told] = (await ada.payments.payments()).items;
  expect(told).toMatchObject({ payment: cutOff?.payment, state: "paid" });
  const third = await money.startAnother({ pollEveryMs: 50 });
  await until(
    async () => {
      const over = "select 1 from tideway.sagas where start_key = $1 and state = 'completed'";
      return (await money.admin.query(over, [cutOff?.payment])).rowCount === 1;
    },
    { deadlineMs: 10_000, what: "the saga is completed" },
  );
  await third.stop();
  expect((await outboxOf(cutOff?.payment ?? "")).map(({ type }) => type)).toEqual([
    "payments.payment.paid.v1",
  ]);
});

test.each(["alone", "of an invoice"])(
  "the ledger's word and the saga's own finish at the same moment make one payment, %s",
  async (kind) => {
    const [ada, ben] = await Promise.all([money.rich(), money.signUp()]);
    const { invoice } = await ask(ben, "480");
    const paying = kind === "alone" ? send(ada, ben, "480") : pay(ada, invoice);
    const row = async () => (await ada.payments.payments()).items[0];
    // Both wait for the row, so both have seen it pending.
    const locker = await money.admin.connect();
    try {
      const begun = await until(async () => (await row()) ?? false, {
        deadlineMs: 5_000,
        what: "the payment is begun",
      });
      await locker.query("begin");
      await locker.query("select 1 from payments where payment = $1 for update", [
        idToUuid("pay", begun.payment),
      ]);
      await until(async () => (await money.movements(begun.payment)) === 1, {
        deadlineMs: 5_000,
        what: "the ledger has moved the money",
      });
      const event = await eventOf(begun.transfer);
      const delivered = deliverTo(event);
      await locker.query("commit");
      expect(await delivered).toMatchObject({ results: [{ outcome: "applied" }] });
      expect(await paying).toMatchObject({ payment: begun.payment, state: "paid" });
      const types = (await outboxOf(begun.payment)).map(({ type }) => type);
      expect(types).toEqual(
        kind === "alone"
          ? ["payments.payment.paid.v1"]
          : ["payments.payment.paid.v1", "payments.invoice.paid.v1"],
      );
      // Told once more under another id, as a replay does: nothing changes.
      expect(await deliverTo({ ...event, id: newId("evt") })).toMatchObject({
        results: [{ outcome: "applied" }],
      });
      expect(await outboxOf(begun.payment)).toHaveLength(types.length);
    } finally {
      locker.release();
    }
  },
);

/** A delivery of the ledger's event of a transfer, as the bus makes it. */
async function eventOf(transfer: string) {
  return {
    specversion: "1.0",
    id: newId("evt"),
    source: "/services/ledger",
    type: "ledger.transfer.posted.v1",
    subject: "acc",
    partitionkey: "acc",
    time: new Date().toISOString(),
    datacontenttype: "application/json",
    data: await postedOf(transfer),
  };
}

async function deliverTo(event: object): Promise<unknown> {
  const answer = await money.payments.fetchAs({ caller: "bus" })("http://payments/tideway/events", {
    method: "POST",
    headers: { "content-type": "application/cloudevents-batch+json" },
    body: JSON.stringify([event]),
  });
  return answer.json();
}

/** The event as the ledger published it: it lies in the ledger's own outbox. */
async function postedOf(transfer: string): Promise<unknown> {
  const ledger = new Client({ connectionString: money.ledgerUrl });
  await ledger.connect();
  try {
    const found = await ledger.query<{ data: unknown }>(
      "select data::jsonb as data from tideway.outbox where data::jsonb ->> 'transfer' = $1",
      [transfer],
    );
    return found.rows[0]?.data;
  } finally {
    await ledger.end();
  }
}
