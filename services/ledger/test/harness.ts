/** A real ledger on its own PostgreSQL database, and builders for what tests need in it. */
import { fileURLToPath } from "node:url";
import type { ledgerApi } from "@tideway/api-ledger";
import { isClientError } from "@tideway/client";
import type { ClientOf } from "@tideway/client";
import { idToUuid, newId } from "@tideway/kernel";
import type { BodyOf } from "@tideway/schema";
import { createPool } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { testDatabase, testService } from "@tideway/testkit";
import type { TestCaller, TestDatabase, TestService } from "@tideway/testkit";
import declaration from "../service.ts";
import { buildLedger } from "../src/build.ts";

type Grants = NonNullable<TestCaller["grants"]>;
export type Client = ClientOf<typeof ledgerApi>;
export type TransferBody = BodyOf<(typeof ledgerApi)["routes"]["postTransfer"]>;

/** What the services of these tests may do. */
export const GRANTS: Grants = [
  ...[210, 220, 230, 920].map((account) => ({ operation: "open" as const, account })),
  ...[110, 210, 220, 230, 310, 920].map((account) => ({ operation: "read" as const, account })),
  { operation: "transfer", debit: 310, credit: 210, code: "demo-money" },
  { operation: "transfer", debit: 310, credit: 220, code: "demo-money" },
  { operation: "transfer", debit: 210, credit: 210, code: "payment" },
  { operation: "transfer", debit: 220, credit: 220, code: "payment" },
  { operation: "hold", debit: 210, credit: 210, code: "payment" },
  { operation: "hold", debit: 220, credit: 220, code: "payment" },
  { operation: "transfer", debit: 310, credit: 920, code: "demo-money" },
  { operation: "transfer", debit: 920, credit: 310, code: "demo-money" },
  { operation: "hold", debit: 310, credit: 920, code: "demo-money" },
];

export interface TestLedger {
  readonly database: TestDatabase;
  readonly service: TestService<typeof ledgerApi>;
  /** A superuser's pool, for what the service itself may not do. */
  readonly admin: Pool;
  as(caller?: TestCaller): Client;
  close(): Promise<void>;
}

export async function startLedger(): Promise<TestLedger> {
  const migrations = fileURLToPath(new URL("../migrations", import.meta.url));
  const database = await testDatabase({ service: "ledger", migrations });
  const service = await testService({
    declaration,
    build: buildLedger,
    databaseUrl: database.url,
  });
  const admin = createPool({
    url: database.adminUrl,
    connectionsMax: 4,
    applicationName: "behind the service's back",
  });
  return {
    database,
    service,
    admin,
    as: (caller) => service.as({ caller: "payments", grants: GRANTS, ...caller }),
    close: async () => {
      await service.stop();
      await admin.end();
      await database.close();
    },
  };
}

export interface Customer {
  readonly person: string;
  readonly account: string;
}

/** A new person with an account of their own, and `amount` minor units of demo money on it. */
export async function customer(ledger: TestLedger, amount = 0n, asset = "EUR"): Promise<Customer> {
  const person = newId("per");
  return { person, account: await openAccount(ledger, { amount, asset, owner: person }) };
}

/** Opens an account, of a customer unless told otherwise, and funds it. */
export async function openAccount(
  ledger: TestLedger,
  options: {
    readonly amount?: bigint;
    readonly asset?: string;
    readonly code?: number;
    readonly owner?: string;
  } = {},
): Promise<string> {
  const { amount = 0n, asset = "EUR", code = 210, owner = newId("per") } = options;
  const account = newId("acc");
  await ledger.as().openAccount({ body: { account, asset, code, owner } });
  if (amount > 0n) await fund(ledger, account, { amount, asset });
  return account;
}

export async function fund(
  ledger: TestLedger,
  account: string,
  { amount, asset = "EUR" }: { readonly amount: bigint; readonly asset?: string },
): Promise<void> {
  const capital = await capitalOf(ledger, asset);
  await ledger.as().postTransfer({
    body: {
      transfer: newId("trf"),
      kind: "post",
      debit: capital,
      credit: account,
      amount: amount.toString(),
      asset,
      code: "demo-money",
    },
  });
}

export async function capitalOf(ledger: TestLedger, asset = "EUR"): Promise<string> {
  return (await ledger.as().systemAccount({ params: { code: 310, asset } })).account;
}

/** A payment's body between two accounts; each call has a fresh id. */
export function payment(
  debit: string,
  credit: string,
  amount: bigint | number,
  change: Partial<TransferBody> = {},
): TransferBody {
  return {
    transfer: newId("trf"),
    kind: "post",
    debit,
    credit,
    amount: amount.toString(),
    asset: "EUR",
    code: "payment",
    ...change,
  };
}

/** The body that ends a hold. */
export function ending(
  kind: "post-hold" | "void-hold",
  pending: string,
  change: Partial<TransferBody> = {},
): TransferBody {
  return { transfer: newId("trf"), kind, pending, asset: "EUR", code: "payment", ...change };
}

/** The code a call fails with; "none" when it succeeds. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await failureOf(call))?.code ?? "none";
}

/** The error a call fails with, or null; anything but an answer of the service is thrown on. */
export async function failureOf(call: Promise<unknown>) {
  try {
    await call;
    return null;
  } catch (error) {
    if (isClientError(error)) return error;
    throw error;
  }
}

/** Available and held money of an account, in minor units. */
export async function standing(
  ledger: TestLedger,
  account: string,
): Promise<{ available: bigint; held: bigint }> {
  const found = await ledger.as().account({ params: { accountId: account } });
  return { available: BigInt(found.available), held: BigInt(found.debitsPending) };
}

/** Moves a hold into the past, as if its time had gone by. */
export async function letExpire(ledger: TestLedger, hold: string): Promise<void> {
  const uuid = idToUuid("trf", hold);
  const moved = await ledger.admin.query(
    "update transfers set at = at - make_interval(secs => timeout_seconds) where id = $1",
    [uuid],
  );
  if (moved.rowCount !== 1) throw new Error(`${hold} is not a transfer with a timeout.`);
  await ledger.admin.query(
    "update hold_timeouts set expires_at = statement_timestamp() where hold = $1",
    [uuid],
  );
}

/** Whether every asset balances, by the service's own recomputation. */
export async function isBalanced(ledger: TestLedger): Promise<boolean> {
  const { assets } = await ledger.as().trialBalance();
  return assets.every((one) => one.balanced);
}
