/** Payments that a revision before sagas began and did not finish: the background takes them up. */
import { Client } from "pg";
import { derivedId, idToUuid, newId, until } from "@tideway/kernel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, pay, send, startMoney } from "./money-under-test.ts";
import type { Money, PaymentsService, Person } from "./money-under-test.ts";

let money: Money;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  money = await startMoney();
  [ada, ben] = await Promise.all([money.rich(), money.rich()]);
});
afterAll(() => money.close());

interface Old {
  readonly payment: string;
  readonly transfer: string;
}

/** A row as the older revision left it, overdue since a minute. */
async function leaveBehind(
  given: { readonly transfer?: string; readonly invoice?: string; readonly asset?: string } = {},
): Promise<Old> {
  const payment = newId("pay");
  const transfer = given.transfer ?? newId("trf");
  await money.admin.query(
    `insert into payments (payment, transfer, payer, payee, amount, asset, scale, invoice,
       created_at, next_check_at)
     values ($1, $2, $3, $4, 700, $6, 2, $5, now() - interval '1 minute', now() - interval '45 s')`,
    [
      idToUuid("pay", payment),
      idToUuid("trf", transfer),
      idToUuid("per", ada.person),
      idToUuid("per", ben.person),
      given.invoice === undefined ? null : idToUuid("inv", given.invoice),
      given.asset ?? "EUR",
    ],
  );
  return { payment, transfer };
}
const stateOf = async ({ payment }: Old): Promise<string | undefined> => {
  const text =
    "select state || coalesce(' ' || failure, '') as state from payments where payment = $1";
  const uuid = idToUuid("pay", payment);
  return (await money.admin.query<{ state: string }>(text, [uuid])).rows[0]?.state;
};
const untilState = (old: Old, state: string) =>
  until(async () => (await stateOf(old)) === state, {
    deadlineMs: 15_000,
    what: `the payment is ${state}`,
  });
const postings = (): number =>
  money.gateway.calls.filter(({ method, path }) => method === "POST" && path === "/transfers")
    .length;
/** Its background looks round as soon as it starts. */
const successor = (): Promise<PaymentsService> => money.startAnother({ pollEveryMs: 50 });

/** Gives a payment's transfer to another row, as if the instance had died before it heard of it. */
async function transferOf(amount: string): Promise<string> {
  const paid = await send(ada, ben, amount);
  return paid.transfer;
}

test("one whose transfer was made is paid, without another posting", async () => {
  const transfer = await transferOf("700");
  // The row that knew of it is gone; what is left is the older revision's.
  await money.admin.query("delete from payments where transfer = $1", [idToUuid("trf", transfer)]);
  const before = postings();
  const available = await money.available(ben);
  const old = await leaveBehind({ transfer });
  const service = await successor();
  await untilState(old, "paid");
  expect(postings()).toBe(before);
  expect(await money.available(ben)).toBe(available);
  await service.stop();
});

test("one whose transfer was not made is given up for good, never posted, and its invoice opens", async () => {
  const { invoice } = await ask(ben, "700");
  const old = await leaveBehind({ invoice });
  await money.admin.query("update invoices set state = 'paying', payment = $2 where invoice = $1", [
    idToUuid("inv", invoice),
    idToUuid("pay", old.payment),
  ]);
  const before = postings();
  const service = await successor();
  await untilState(old, "failed PAYMENT_ABANDONED");
  expect(postings()).toBe(before);
  // The ledger will never make it, whoever comes for it late.
  const ledger = new Client({ connectionString: money.ledgerUrl });
  await ledger.connect();
  const burned = await ledger.query("select 1 from burned_transfer_ids where id = $1", [
    idToUuid("trf", old.transfer),
  ]);
  await ledger.end();
  expect(burned.rowCount).toBe(1);
  expect((await pay(ada, invoice)).state).toBe("paid");
  await service.stop();
});

test("one that cannot be adopted keeps nobody else from it", async () => {
  const poisoned = await leaveBehind({ asset: "no asset" });
  const others = await Promise.all([leaveBehind(), leaveBehind(), leaveBehind()]);
  const service = await successor();
  for (const old of others) await untilState(old, "failed PAYMENT_ABANDONED");
  expect(await stateOf(poisoned)).toBe("pending");
  expect(service.logLines.some((line) => line.includes("payment.not-adopted"))).toBe(true);
  await service.stop();
});

test("a retry of the client, who is there with a token, carries it out instead", async () => {
  const key = `retry-${newId("key")}`;
  const scope = { principal: ada.person, route: "POST /payments", key };
  const operation = "0123456789abcdef0123456789abcdef";
  const payment = await derivedId("pay", operation);
  const transfer = await derivedId("trf", "payment", operation);
  await send(ada, ben, "1", { key });
  // The same request, as if the older revision had claimed the key and died with its row pending.
  await money.admin.query(
    `update idempotency_keys set operation = $4, status = null, reply = null
     where principal = $1 and route = $2 and key = $3`,
    [scope.principal, scope.route, scope.key, operation],
  );
  await money.admin.query(
    `insert into payments (payment, transfer, payer, payee, amount, asset, scale)
     values ($1, $2, $3, $4, 1, 'EUR', 2)`,
    [
      idToUuid("pay", payment),
      idToUuid("trf", transfer),
      idToUuid("per", ada.person),
      idToUuid("per", ben.person),
    ],
  );
  const paid = await send(ada, ben, "1", { key });
  expect(paid).toMatchObject({ payment, transfer, state: "paid" });
  expect(await money.movements(payment)).toBe(1);
});
