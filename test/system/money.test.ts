/**
 * Money while everything is killed. People pay each other and each other's invoices at 40 a second
 * through the gateway, some twice at once and some for the same invoice, while instances of the
 * ledger, payments and identity, the gateway and PostgreSQL die by kill -9 at moments that a seed
 * chooses, each twice. Afterwards the databases are read: what was acknowledged happened once, what
 * was refused did not, and nothing stays half done. A seed of an earlier run is repeated with
 * TIDEWAY_TEST_SEED; it repeats the choices, not the timing.
 */
import { isClientError } from "@tideway/client";
import { present, until } from "@tideway/kernel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signInPeople } from "../../platform/cli/src/demo/people.ts";
import { install } from "./harness.ts";
import type { Installation } from "./harness.ts";
import { countPending, readBooks } from "./money-books.ts";
import type { Books } from "./money-books.ts";
import { isPaid, payersOf, startTraffic } from "./money-traffic.ts";
import type { Payer, Traffic } from "./money-traffic.ts";
import { seeded } from "./seeded.ts";

const PEOPLE = 30;
const PER_SECOND = 40;
const VICTIMS = ["ledger", "payments", "identity", "gateway", "postgres"] as const;
const KILLS_EACH = 2;
/** Refusals that are no failure of ours. */
const EXPECTED_REFUSALS = new Set([
  "FUNDS_INSUFFICIENT",
  "INVOICE_PAID",
  "INVOICE_BEING_PAID",
  "PAYMENT_ABANDONED",
]);

const seed = Number(process.env["TIDEWAY_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
let tideway: Installation;
let payers: Payer[];
let traffic: Traffic;
let books: Books;

beforeAll(async () => {
  note(`seed ${seed}`);
  tideway = await install({ TIDEWAY_IDENTITY_SCRYPT_N: "1024" });
  const { publicUrl } = tideway;
  const signal = AbortSignal.timeout(60_000);
  const people = await signInPeople({ publicUrl, count: PEOPLE, signal, concurrency: 8 });
  payers = payersOf(publicUrl, people);
});

afterAll(async () => {
  await traffic?.stop();
  await tideway?.stop();
});

test("payments go on through ten kills, and all become final afterwards", async () => {
  traffic = startTraffic(payers, seeded(seed), PER_SECOND);
  const random = seeded(seed + 1);
  const victims = VICTIMS.flatMap((victim) => Array.from({ length: KILLS_EACH }, () => victim));
  await paidMore(PER_SECOND, "before the first kill");
  for (const victim of random.shuffled(victims)) {
    const pid = await pidOf(victim);
    await paidMore(random.between(1, PER_SECOND), `before ${victim} is killed`);
    process.kill(pid, "SIGKILL");
    note(`${victim} killed after ${traffic.acknowledged()} payments`);
  }
  await paidMore(2 * PER_SECOND, "after the last kill");
  await traffic.stop();
  const failed = [...traffic.failedTries].map(([code, count]) => `${code} ${count}`).join(", ");
  note(`${traffic.orders.length} orders, ${traffic.acknowledged()} paid; failed tries: ${failed}`);
  // The background looks at what was cut off 15 s after the last attempt at it.
  await until(async () => (await countPending(tideway)) === 0, {
    deadlineMs: 60_000,
    intervalMs: 500,
    what: "every payment is final",
  });
  books = await readBooks(tideway);
});

test("whoever was told that it is paid has paid once, the amount and the person they meant", () => {
  const movements = new Map(books.movements.map((one) => [one.payment, one]));
  const acknowledged = traffic.orders.filter(({ told }) => told.some(isPaid));
  expect(acknowledged.length).toBeGreaterThan(5 * PER_SECOND);
  const wrong = acknowledged.filter((order) => {
    const ids = new Set(order.told.filter(isPaid).map(({ payment }) => payment));
    const [id = ""] = ids;
    const moved = movements.get(id);
    const same =
      moved?.amount === order.amount && moved.payer === order.payer && moved.payee === order.payee;
    return ids.size !== 1 || !same || books.paymentOfKey.get(order.key) !== id;
  });
  expect(wrong).toEqual([]);
});

test("nobody moved money twice, and nobody who was refused for good has paid", () => {
  expect(new Set(books.movements.map(({ payment }) => payment)).size).toBe(books.movements.length);
  const moved = new Set(books.movements.map(({ payment }) => payment));
  const refused = traffic.orders.filter(({ told }) =>
    told.some((one) => one.kind === "failed" && !one.retryable),
  );
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.filter(({ key }) => moved.has(books.paymentOfKey.get(key) ?? ""))).toEqual([]);
});

test("what failed failed with a code that says so, and is paid or not, never half", () => {
  const told = traffic.orders.flatMap((order) => order.told);
  const codes = told.flatMap((one) => (one.kind === "failed" && !one.retryable ? [one.code] : []));
  expect(codes.filter((code) => !EXPECTED_REFUSALS.has(code))).toEqual([]);
  const gaveUp = traffic.orders.filter(({ told: all }) => !all.some(isPaid));
  note(`${gaveUp.length} orders were never acknowledged, refusals included`);
});

test("each payment's row says what the ledger did", () => {
  const movements = new Map(books.movements.map((one) => [one.payment, one]));
  const contradicting = books.payments.filter((row) => {
    const moved = movements.get(row.payment);
    if (row.state === "failed") return moved !== undefined || row.failure === null;
    const { transfer, payer, payee, amount } = row;
    const asWritten = { payment: row.payment, transfer, payer, payee, amount };
    return (
      row.state !== "paid" || JSON.stringify(sorted(moved)) !== JSON.stringify(sorted(asWritten))
    );
  });
  expect(contradicting).toEqual([]);
  const paid = books.payments.filter(({ state }) => state === "paid");
  expect(paid.length).toBe(books.movements.length);
});

test("each invoice is paid by one payment, or by none and open for others", () => {
  const paidBy = Map.groupBy(
    books.payments.filter(({ state, invoice }) => state === "paid" && invoice !== null),
    ({ invoice }) => invoice,
  );
  const wrong = books.invoices.filter(({ invoice, state, payment }) => {
    const payments = paidBy.get(invoice) ?? [];
    if (payments.length === 0) return state !== "open" || payment !== null;
    return payments.length > 1 || state !== "paid" || payments[0]?.payment !== payment;
  });
  expect(wrong).toEqual([]);
  expect(paidBy.size).toBeGreaterThan(0);
});

test("the books sum to zero, agree with the transfers, and nobody is overdrawn", () => {
  expect(books.off.length).toBeGreaterThan(0);
  for (const { kept, moved } of books.off) expect([kept, moved]).toEqual(["0", "0"]);
  expect(books.overdrawn).toBe(0);
});

test("what each person sees is the sum of what the ledger has of theirs", async () => {
  for (const { person, payments } of payers) {
    const { balances } = await payments.balances();
    expect(balances.length).toBeGreaterThan(0);
    for (const { asset, available, held } of balances) {
      expect(BigInt(available)).toBe(books.balances.get(`${person} ${asset}`));
      expect(held).toBe("0");
    }
  }
});

test("sent again with the same key, everything answers as it ended", async () => {
  const state = new Map(books.payments.map((row) => [row.payment, row]));
  const sent = traffic.orders.filter(({ invoice, told }) => invoice !== null && told.length > 0);
  for (const order of sent.slice(0, 20)) {
    const payer = present(
      payers.find(({ person }) => person === order.payer),
      "Payers stay.",
    );
    const params = { invoiceId: present(order.invoice, "Only these were chosen.") };
    const again = await payer.payments
      .payInvoice({ params, body: {}, idempotencyKey: order.key })
      .then(({ payment }) => payment)
      .catch((error: unknown) => (isClientError(error) ? error.code : Promise.reject(error)));
    const row = state.get(books.paymentOfKey.get(order.key) ?? "");
    if (row?.state === "paid") expect(again).toBe(row.payment);
    else expect(EXPECTED_REFUSALS).toContain(again);
  }
});

/** The pid of a part, or of a ready instance of a service; waits until there is one. */
async function pidOf(victim: (typeof VICTIMS)[number]): Promise<number> {
  if (victim === "gateway" || victim === "postgres") return tideway.pidOf(victim);
  return until(() => instancePid(victim), {
    deadlineMs: 30_000,
    intervalMs: 200,
    what: `${victim} has a ready instance`,
  });
}

async function instancePid(service: string): Promise<number | undefined> {
  const answer = await tideway.tideway(["get", "services", "--json"]);
  if (answer.code !== 0) return undefined;
  // The command documents this shape.
  const services = JSON.parse(answer.stdout) as {
    service: string;
    lanes: { instances: { status: string; pid: number }[] }[];
  }[];
  return services
    .find((one) => one.service === service)
    ?.lanes.flatMap(({ instances }) => instances)
    .find(({ status }) => status === "ready")?.pid;
}

async function paidMore(count: number, what: string): Promise<void> {
  const before = traffic.acknowledged();
  await until(() => traffic.acknowledged() >= before + count, {
    deadlineMs: 60_000,
    what: `${count} more payments ${what}`,
  });
}

function sorted(fields: object | undefined): [string, unknown][] {
  return Object.entries(fields ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

function note(text: string): void {
  console.error(text);
}
