/**
 * What people and programs get wrong, sent to the running system through the gateway: each answers
 * its own coded error, nothing moves, and the ledger sums to zero afterwards.
 */
import { readFileSync } from "node:fs";
import { DEMO_PASSWORD, DEMO_PEOPLE, identityApi } from "@tideway/api-identity";
import { ledgerApi } from "@tideway/api-ledger";
import { paymentsApi } from "@tideway/api-payments";
import { createClient, isClientError } from "@tideway/client";
import type { ClientOf } from "@tideway/client";
import { derivedId, newId } from "@tideway/kernel";
import { INSTANCE_HEADER } from "@tideway/trust";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install } from "./harness.ts";
import type { Installation } from "./harness.ts";

let tideway: Installation;
let ada: Person;
let ben: Person;

interface Person {
  readonly person: string;
  readonly token: string;
  readonly payments: ClientOf<typeof paymentsApi>;
}

beforeAll(async () => {
  tideway = await install({ TIDEWAY_IDENTITY_SCRYPT_N: "1024" });
  [ada, ben] = await Promise.all([enter(DEMO_PEOPLE[0].email), enter(DEMO_PEOPLE[1].email)]);
  await ada.payments.topUp({ body: {}, idempotencyKey: key() });
  await ben.payments.topUp({ body: {}, idempotencyKey: key() });
});
afterAll(() => tideway.stop());

async function enter(email: string): Promise<Person> {
  const identity = createClient(identityApi, { baseUrl: `${tideway.publicUrl}/api/identity` });
  const session = await identity.signIn({ body: { email, password: DEMO_PASSWORD } });
  const token = session.accessToken;
  const payments = createClient(paymentsApi, {
    baseUrl: `${tideway.publicUrl}/api/payments`,
    token: () => token,
  });
  return { person: session.person.person, token, payments };
}

const key = (): string => crypto.randomUUID();
const send = (amount: string, asset = "EUR", idempotencyKey = key()) =>
  ada.payments.sendPayment({ body: { to: { person: ben.person }, amount, asset }, idempotencyKey });

async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
  } catch (error) {
    if (isClientError(error)) return `${error.status} ${error.code}`;
    throw error;
  }
  return "no error";
}

/** What no typed client would send; the answer's status and code. */
async function raw(path: string, init: RequestInit, base = tideway.publicUrl): Promise<string> {
  const answer = await fetch(base + path, init);
  // Every error of Tideway is a problem document.
  const problem = (await answer.json()) as { code?: string; traceId?: string };
  expect(answer.headers.get("content-type")).toContain("application/problem+json");
  return `${answer.status} ${problem.code ?? "without a code"}`;
}

const json = (token: string) => ({
  "content-type": "application/json",
  "idempotency-key": key(),
  authorization: `Bearer ${token}`,
});

describe("requests", () => {
  test("unknown routes, services and methods", async () => {
    expect(await raw("/api/payments/nothing", {})).toBe("404 ROUTE_UNKNOWN");
    expect(await raw("/api/nobody/payments", {})).toBe("404 ROUTE_UNKNOWN");
    expect(await raw("/api/payments/payments", { method: "DELETE" })).toBe(
      "405 METHOD_NOT_ALLOWED",
    );
  });

  test("internal routes do not exist from outside", async () => {
    const headers = json(ada.token);
    expect(await raw("/api/ledger/transfers", { method: "POST", headers, body: "{}" })).toBe(
      "404 ROUTE_UNKNOWN",
    );
  });

  test("malformed and oversized bodies", async () => {
    const post = (body: string) =>
      raw("/api/payments/payments", { method: "POST", headers: json(ada.token), body });
    expect(await post("{")).toBe("400 BODY_MALFORMED");
    expect(await post('{"to":1}')).toBe("400 BODY_INVALID");
    expect(await post(`"${"x".repeat(2_000_000)}"`)).toBe("413 BODY_TOO_LARGE");
  });

  test("wrong, changed and missing tokens", async () => {
    const ask = (authorization?: string) =>
      raw(
        "/api/payments/balances",
        authorization === undefined ? {} : { headers: { authorization } },
      );
    expect(await ask()).toBe("401 TOKEN_MISSING");
    expect(await ask("Bearer nonsense")).toBe("401 TOKEN_INVALID");
    expect(await ask(`Bearer ${ada.token.slice(0, -4)}AAAA`)).toBe("401 TOKEN_INVALID");
  });

  test("a missing and a malformed idempotency key", async () => {
    const body = JSON.stringify({ to: { person: ben.person }, amount: "1", asset: "EUR" });
    const { "idempotency-key": _, ...without } = json(ada.token);
    const post = (headers: Record<string, string>) =>
      raw("/api/payments/payments", { method: "POST", headers, body });
    expect(await post(without)).toBe("400 IDEMPOTENCY_KEY_MISSING");
    expect(await post({ ...without, "idempotency-key": "short" })).toBe(
      "400 IDEMPOTENCY_KEY_INVALID",
    );
  });
});

describe("money", () => {
  test.each([
    ["-1", "400 AMOUNT_INVALID"],
    ["1.5", "400 AMOUNT_INVALID"],
    ["1e3", "400 AMOUNT_INVALID"],
    ["0", "400 AMOUNT_INVALID"],
    ["9".repeat(40), "400 AMOUNT_INVALID"],
    ["9".repeat(39), "400 AMOUNT_INVALID"],
    ["99999999999", "409 FUNDS_INSUFFICIENT"],
  ])("the amount %s answers %s", async (amount, answer) => {
    expect(await codeOf(send(amount))).toBe(answer);
  });

  test("an unknown asset, oneself, and somebody who does not exist", async () => {
    expect(await codeOf(send("1", "XYZ"))).toBe("400 ASSET_UNKNOWN");
    const to = (body: { person: string } | { email: string }) =>
      codeOf(
        ada.payments.sendPayment({
          body: { to: body, amount: "1", asset: "EUR" },
          idempotencyKey: key(),
        }),
      );
    expect(await to({ person: ada.person })).toBe("400 PAYMENT_SELF");
    expect(await to({ email: "nobody@tideway.example" })).toBe("404 RECIPIENT_NOT_FOUND");
    expect(await to({ person: newId("per") })).toBe("404 RECIPIENT_NOT_FOUND");
  });

  test("a replayed key answers the same payment, with another body it is refused", async () => {
    const idempotencyKey = key();
    const first = await send("7", "EUR", idempotencyKey);
    expect(await send("7", "EUR", idempotencyKey)).toEqual(first);
    expect(await codeOf(send("8", "EUR", idempotencyKey))).toBe("422 IDEMPOTENCY_KEY_REUSED");
    const racing = key();
    const both = await Promise.all([send("5", "EUR", racing), send("5", "EUR", racing)]);
    expect(both[0]).toEqual(both[1]);
  });

  test("of two people who pay one invoice at once one pays, and the other is not charged", async () => {
    const cleo = await register("Cleo");
    await cleo.payments.topUp({ body: {}, idempotencyKey: key() });
    for (let round = 0; round < 10; round++) {
      const invoice = await ada.payments.createInvoice({
        body: { amount: "100", asset: "EUR" },
        idempotencyKey: key(),
      });
      const params = { invoiceId: invoice.invoice };
      const answers = await Promise.all(
        [ben, cleo].map((payer) =>
          codeOf(payer.payments.payInvoice({ params, body: {}, idempotencyKey: key() })),
        ),
      );
      const refused = answers.filter((answer) => answer !== "no error");
      expect(refused).toHaveLength(1);
      expect(["409 INVOICE_BEING_PAID", "409 INVOICE_PAID"]).toContain(refused[0]);
    }
    const own = await ada.payments.createInvoice({
      body: { amount: "1", asset: "EUR" },
      idempotencyKey: key(),
    });
    const params = { invoiceId: own.invoice };
    const pay = ada.payments.payInvoice({ params, body: {}, idempotencyKey: key() });
    expect(await codeOf(pay)).toBe("400 PAYMENT_SELF");
  });
});

async function register(name: string): Promise<Person> {
  const email = `${name.toLowerCase()}@tideway.example`;
  const identity = createClient(identityApi, { baseUrl: `${tideway.publicUrl}/api/identity` });
  await identity.register({ body: { email, password: DEMO_PASSWORD, name } });
  return enter(email);
}

describe("services", () => {
  // A process engine is no security boundary: whoever may read another process's environment has
  // its secret. Here that lets the test call the ledger as payments does.
  test.runIf(process.platform === "linux")(
    "a transfer outside the caller's grants, another caller's secret, an undeclared callee",
    async () => {
      const credential = await instanceCredential("payments");
      const ledger = (header: string) =>
        createClient(ledgerApi, {
          baseUrl: `http://127.0.0.1:${tideway.port + 2}/api/ledger`,
          token: () => ada.token,
          headers: () => ({ [INSTANCE_HEADER]: header }),
        });
      const debit = await derivedId("acc", "customer", ada.person, "EUR");
      const credit = await derivedId("acc", "customer", ben.person, "EUR");
      const body = { transfer: newId("trf"), debit, credit, amount: "1", asset: "EUR" };
      const post = (code: string, header = credential) =>
        codeOf(ledger(header).postTransfer({ body: { ...body, kind: "post", code } }));
      expect(await post("gift")).toBe("403 GRANT_MISSING");
      expect(await post("payment", `${credential.split(":")[0]}:wrong`)).toBe("401 CALLER_UNKNOWN");
      expect(await post("payment", "nobody:nothing")).toBe("401 CALLER_UNKNOWN");
      const stranger = await instanceCredential("ledger");
      expect(await post("payment", stranger)).toBe("403 CALLER_FORBIDDEN");
      const someoneElses = { ...body, debit: credit, credit: debit };
      const theft = ledger(credential).postTransfer({
        body: { ...someoneElses, kind: "post", code: "payment" },
      });
      expect(await codeOf(theft)).toBe("403 CONSENT_MISSING");
    },
  );

  test("the operators' port refuses other origins and whoever is not signed in", async () => {
    const base = tideway.operatorsUrl;
    const origin = { headers: { origin: "http://evil.example" } };
    expect(await raw("/api/admin/services", {}, base)).toBe("401 OPERATOR_SIGN_IN_NEEDED");
    expect(await raw("/api/admin/services", origin, base)).toBe("403 ORIGIN_REFUSED");
  });
});

async function instanceCredential(service: string): Promise<string> {
  const answer = await tideway.tideway(["get", "services", "--json"]);
  // The command documents this shape.
  const services = JSON.parse(answer.stdout) as {
    service: string;
    lanes: { instances: { pid: number }[] }[];
  }[];
  const pid = services.find((one) => one.service === service)?.lanes[0]?.instances[0]?.pid;
  const environ = readFileSync(`/proc/${pid}/environ`, "utf8");
  const value = (name: string) => new RegExp(`(?:^|\\0)${name}=([^\\0]+)`).exec(environ)?.[1];
  return `${value("TIDEWAY_INSTANCE")}:${value("TIDEWAY_INSTANCE_SECRET")}`;
}

test("after all of it the ledger sums to zero and nobody owes anything", async () => {
  const ledger = await tideway.database("tideway_ledger");
  const sums = await ledger.query<{ off: string }>(
    "select sum(debits_posted - credits_posted)::text as off from accounts group by asset",
  );
  const overdrawn = await ledger.query(
    "select 1 from accounts where code = 210 and debits_posted + debits_pending > credits_posted",
  );
  await ledger.end();
  expect(sums.rows.length).toBeGreaterThan(0);
  expect(sums.rows.every(({ off }) => off === "0")).toBe(true);
  expect(overdrawn.rowCount).toBe(0);
});
