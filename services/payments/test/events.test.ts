/** What payments tells of and listens to: in the outbox with the state it tells of, or not at all. */
import { Client } from "pg";
import { newId, until } from "@tideway/kernel";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ask, codeOf, newKey, pay, send, startMoney } from "./money-under-test.ts";
import type { Money } from "./money-under-test.ts";

let money: Money;
beforeAll(async () => {
  money = await startMoney();
});
afterEach(() => {
  money.gateway.fault = () => "none";
});
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
  money.gateway.fault = () => "none";
  const [cutOff] = (await ada.payments.payments()).items;
  expect(cutOff?.state).toBe("pending");
  const event = {
    specversion: "1.0",
    id: newId("evt"),
    source: "/services/ledger",
    type: "ledger.transfer.posted.v1",
    subject: "acc",
    partitionkey: "acc",
    time: new Date().toISOString(),
    datacontenttype: "application/json",
    data: await postedOf(cutOff?.transfer ?? ""),
  };
  const deliver = async () => {
    const answer = await money.payments.fetchAs({ caller: "bus" })(
      "http://payments/tideway/events",
      {
        method: "POST",
        headers: { "content-type": "application/cloudevents-batch+json" },
        body: JSON.stringify([event]),
      },
    );
    return answer.json();
  };
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
