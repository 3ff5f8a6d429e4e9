/** Payments with a real ledger and a real identity behind a small gateway, each on its own database. */
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { paymentsApi } from "@tideway/api-payments";
import { createClient, isClientError } from "@tideway/client";
import type { ClientError, ClientOf } from "@tideway/client";
import { idToUuid, until } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { createPool } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { testDatabase, testService } from "@tideway/testkit";
import type { TestDatabase, TestService } from "@tideway/testkit";
import identityDeclaration from "../../identity/service.ts";
import { buildIdentity } from "../../identity/src/build.ts";
import ledgerDeclaration from "../../ledger/service.ts";
import { buildLedger } from "../../ledger/src/build.ts";
import declaration from "../service.ts";
import { buildPayments } from "../src/build.ts";
import { startTestGateway } from "./test-gateway.ts";
import type { TestGateway } from "./test-gateway.ts";

export type Payments = ClientOf<typeof paymentsApi>;
export type PaymentsService = TestService<typeof paymentsApi>;

export interface Person {
  readonly person: string;
  readonly name: string;
  readonly email: string;
  readonly token: string;
  /** A client with this person's token. */
  readonly payments: Payments;
}

export interface Money {
  readonly gateway: TestGateway;
  readonly payments: PaymentsService;
  /** A superuser's pool in the database of payments: for time passing and looking behind its back. */
  readonly admin: Pool;
  /** A superuser's address of the ledger's database. */
  readonly ledgerUrl: string;
  /** What the ledger logged. */
  readonly ledgerLog: readonly string[];
  signUp(name?: string): Promise<Person>;
  /** As `signUp`, with 1,000.00 EUR and 250.00 USDC. */
  rich(name?: string): Promise<Person>;
  /** Another instance of payments on the same database. */
  startAnother(options?: InstanceOptions): Promise<PaymentsService>;
  as(person: Person, service: PaymentsService): Payments;
  /** What a person can spend, in minor units. */
  available(person: Person, asset?: string): Promise<bigint>;
  /** How often the ledger moved money for a payment. */
  movements(payment: string): Promise<number>;
  /** Ends all faults, and waits until every instance calls the others again after what it met. */
  heal(): Promise<void>;
  /** Lets 16 s go by since the last attempt at every pending payment; leases have ended by then. */
  passTime(): Promise<void>;
  close(): Promise<void>;
}

export interface InstanceOptions {
  /** How often its background looks for sagas that are due. */
  readonly pollEveryMs?: number;
  readonly profile?: "demo" | "production";
  readonly clock?: Clock;
}

/** Long enough that the background does nothing unless a test asks for it. */
const NEVER_MS = 3_600_000;

export async function startMoney(): Promise<Money> {
  const gateway = await startTestGateway();
  const databases = {
    identity: await databaseOf("identity"),
    ledger: await databaseOf("ledger"),
    payments: await databaseOf("payments"),
  };
  const identity = await testService({
    declaration: identityDeclaration,
    databaseUrl: databases.identity.url,
    build: (parts) => buildIdentity(parts, { TIDEWAY_IDENTITY_SCRYPT_N: "1024" }),
  });
  const ledger = await testService({
    declaration: ledgerDeclaration,
    databaseUrl: databases.ledger.url,
    build: buildLedger,
  });
  gateway.callees.set("identity", identity).set("ledger", ledger);
  const started = new Set<PaymentsService>();
  const startAnother = async (options: InstanceOptions = {}): Promise<PaymentsService> => {
    const service = await testService({
      declaration,
      databaseUrl: databases.payments.url,
      internalUrl: gateway.url,
      profile: options.profile ?? "demo",
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      build: (parts) => buildPayments(parts, { pollEveryMs: options.pollEveryMs ?? NEVER_MS }),
    });
    gateway.callers.add(`${service.config.instance}:${service.config.instanceSecret}`);
    const running = {
      ...service,
      stop: async () => {
        if (started.delete(running)) await service.stop();
      },
    };
    started.add(running);
    return running;
  };
  const payments = await startAnother();
  let probe: Promise<Person> | null = null;
  const admin = createPool({
    url: databases.payments.adminUrl,
    connectionsMax: 4,
    applicationName: "behind the service's back",
  });
  const as = (person: Pick<Person, "person" | "token">, service: PaymentsService): Payments =>
    createClient(paymentsApi, {
      baseUrl: "http://payments",
      token: () => person.token,
      fetch: service.fetchAs({ person: person.person }),
    });
  const signUp = async (name = "Someone Else"): Promise<Person> => {
    const email = `${randomUUID()}@tideway.example`;
    const body = { email, password: "a long enough one", name };
    const session = await identity.as({}).register({ body });
    const signed = { person: session.person.person, name, email, token: session.accessToken };
    return { ...signed, payments: as(signed, payments) };
  };
  return {
    gateway,
    payments,
    admin,
    ledgerUrl: databases.ledger.adminUrl,
    ledgerLog: ledger.logLines,
    startAnother,
    as,
    signUp,
    rich: async (name) => {
      const person = await signUp(name);
      await person.payments.topUp({ body: {}, idempotencyKey: newKey() });
      return person;
    },
    available: async (person, asset = "EUR") => {
      const { balances } = await person.payments.balances();
      return BigInt(balances.find((one) => one.asset === asset)?.available ?? "0");
    },
    movements: async (payment) => {
      const found = await databases.ledger.pool.query<{ count: number }>(
        "select count(*)::int as count from transfers where reference = $1",
        [payment],
      );
      return found.rows[0]?.count ?? 0;
    },
    heal: async () => {
      gateway.fault = () => "none";
      probe ??= signUp("Probe");
      const person = await probe;
      const works = async (service: PaymentsService): Promise<boolean> => {
        const email = `${randomUUID()}@tideway.example`;
        const client = as(person, service);
        const tries = [
          client.balances(),
          client.sendPayment({
            body: { to: { email }, amount: "1", asset: "EUR" },
            idempotencyKey: newKey(),
          }),
        ];
        const ends = await Promise.allSettled(tries);
        return ends.every(
          (end) =>
            end.status === "fulfilled" ||
            !isClientError(end.reason, "UPSTREAM_UNAVAILABLE", "DEADLINE_EXCEEDED"),
        );
      };
      for (const service of started) {
        await until(() => works(service), { deadlineMs: 10_000, what: "the circuits are closed" });
      }
    },
    passTime: async () => {
      await admin.query(
        `update payments set next_check_at = next_check_at - interval '16 seconds'
         where state = 'pending'`,
      );
      await admin.query(
        `update tideway.saga_steps set begun_at = begun_at - interval '16 seconds'
         where state = 'running'`,
      );
      await admin.query(
        `update tideway.sagas set due_at = due_at - interval '16 seconds',
           lease_until = lease_until - interval '16 seconds' where due_at is not null`,
      );
    },
    close: async () => {
      await Promise.all([...started].map((service) => service.stop()));
      await Promise.all([identity.stop(), ledger.stop(), gateway.close(), admin.end()]);
      await Promise.all(Object.values(databases).map((database) => database.close()));
    },
  };
}

function databaseOf(service: string): Promise<TestDatabase> {
  const migrations = fileURLToPath(new URL(`../../${service}/migrations`, import.meta.url));
  return testDatabase({ service, migrations });
}

export function newKey(): string {
  return randomUUID();
}

/** Sends EUR under a fresh key, or the one given. */
export function send(
  from: Person,
  to: Person,
  amount: string,
  options: { readonly key?: string; readonly note?: string; readonly by?: Payments } = {},
) {
  const note = options.note === undefined ? {} : { note: options.note };
  return (options.by ?? from.payments).sendPayment({
    body: { to: { person: to.person }, amount, asset: "EUR", ...note },
    idempotencyKey: options.key ?? newKey(),
  });
}

export function ask(payee: Person, amount: string, note?: string) {
  return payee.payments.createInvoice({
    body: { amount, asset: "EUR", ...(note === undefined ? {} : { note }) },
    idempotencyKey: newKey(),
  });
}

export function pay(payer: Person, invoiceId: string, key = newKey(), by?: Payments) {
  const options = { params: { invoiceId }, body: {}, idempotencyKey: key };
  return (by ?? payer.payments).payInvoice(options);
}

/** The error a call fails with; an error when it does not. */
export async function failureOf(call: Promise<unknown>): Promise<ClientError> {
  try {
    await call;
  } catch (error) {
    if (isClientError(error)) return error;
    throw error;
  }
  throw new Error("The call was expected to fail, and it did not.");
}

export async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await failureOf(call)).code;
}

/** Lets an hour more than its life go by for an invoice. */
export async function outlive(money: Money, invoice: string): Promise<void> {
  await money.admin.query(
    `update invoices set created_at = created_at - (expires_at - now()) - interval '1 hour',
       expires_at = now() - interval '1 hour' where invoice = $1`,
    [idToUuid("inv", invoice)],
  );
}
