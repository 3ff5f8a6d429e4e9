/** What this service asks of the ledger. Accounts and transfers have ids that follow from their owner. */
import { AccountId, TransferId } from "@tideway/api-ledger";
import type { Asset as AssetSchema, ledgerApi } from "@tideway/api-ledger";
import { isClientError } from "@tideway/client";
import type { ClientError, ClientOf } from "@tideway/client";
import { commonErrors, derivedId, invariant, parseMinor } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { Type } from "typebox";
import type { Static } from "typebox";
import { ABANDONED } from "../domain/payment.ts";
import type { TransferOutcome } from "../domain/payment.ts";
import { unavailableOr } from "./unavailable.ts";

export const CUSTOMER_CODE = 210;
export const CAPITAL_CODE = 310;
const ASSETS_KEPT_MS = 60_000;
const OPENED_KEPT_MAX = 10_000;
/** Refusals after which the ledger never makes a transfer of this id. */
const BURNING = ["FUNDS_INSUFFICIENT", "CREDIT_LIMIT"];

export type Asset = Static<typeof AssetSchema>;
export type LedgerClient = ClientOf<typeof ledgerApi>;

/** A transfer as it is asked for, and kept with its saga: the body of the ledger's route. */
export const TransferOrder = Type.Object({
  transfer: TransferId,
  kind: Type.Literal("post"),
  debit: AccountId,
  credit: AccountId,
  /** Minor units. */
  amount: Type.String(),
  asset: Type.String(),
  code: Type.Union([Type.Literal("payment"), Type.Literal("demo-money")]),
  reference: Type.String(),
});
export type TransferOrder = Static<typeof TransferOrder>;

export interface CustomerBalance {
  readonly asset: string;
  readonly scale: number;
  readonly availableMinor: bigint;
  readonly heldMinor: bigint;
}

export interface Ledger {
  /** All assets by code; kept for 60 s. */
  assets(): Promise<ReadonlyMap<string, Asset>>;
  /** Throws ASSET_UNKNOWN. */
  asset(code: string): Promise<Asset>;
  /** The person's account of the asset, opened when it is missing. */
  customerAccount(person: string, asset: string): Promise<string>;
  /** The house's account that demo money comes from. */
  capitalAccount(asset: string): Promise<string>;
  balancesOf(person: string): Promise<CustomerBalance[]>;
  /** Makes the transfer. Throws what the ledger answers otherwise, for `readRefusal`. */
  post(order: TransferOrder): Promise<void>;
  /**
   * What a failure of `post` means: it did not move and never will, or null when that is not known.
   * Throws UPSTREAM_UNAVAILABLE.
   */
  readRefusal(error: unknown, order: Subject): Promise<TransferOutcome | null>;
  /**
   * What became of the transfer; null while it was not made. Where `final`, one that was not made is
   * burned, so that it never will be. Throws UPSTREAM_UNAVAILABLE when unknown.
   */
  settle(order: Subject, options: { readonly final: boolean }): Promise<TransferOutcome | null>;
}

type Subject = Pick<TransferOrder, "transfer" | "code">;

export interface LedgerOptions {
  readonly client: LedgerClient;
  readonly clock: Clock;
}

export function createLedger({ client, clock }: LedgerOptions): Ledger {
  const openAccount = accountOpener(client);
  const capital = new Map<string, string>();
  let kept: { readonly atMs: number; readonly assets: ReadonlyMap<string, Asset> } | null = null;

  const assets = async (): Promise<ReadonlyMap<string, Asset>> => {
    if (kept !== null && clock.monotonic() - kept.atMs < ASSETS_KEPT_MS) return kept.assets;
    const reply = await asking(client.assets());
    const byCode = new Map(reply.assets.map((asset) => [asset.asset, asset]));
    kept = { atMs: clock.monotonic(), assets: byCode };
    return byCode;
  };
  return {
    assets,
    asset: async (code) => {
      const asset = (await assets()).get(code);
      if (asset !== undefined) return asset;
      throw commonErrors.error("ASSET_UNKNOWN", { given: { asset: code } });
    },
    customerAccount: async (person, asset) => {
      const account = await customerAccountId(person, asset);
      await openAccount({ account, asset, owner: person });
      return account;
    },
    capitalAccount: async (asset) => {
      const known = capital.get(asset);
      if (known !== undefined) return known;
      const params = { code: CAPITAL_CODE, asset };
      const { account } = await asking(client.systemAccount({ params }));
      capital.set(asset, account);
      return account;
    },
    balancesOf: async (person) => {
      const query = { owner: person, code: CUSTOMER_CODE };
      const { accounts } = await asking(client.accountsOf({ query }));
      return accounts.map((account) => ({
        asset: account.asset,
        scale: account.scale,
        availableMinor: parseMinor(account.available),
        heldMinor: parseMinor(account.debitsPending),
      }));
    },
    post: (order) => post(client, order),
    readRefusal: (error, order) => readRefusal(client, error, order),
    settle: (order, { final }) => settle(client, order, final),
  };
}

/** The id of a person's account follows from both. */
export function customerAccountId(person: string, asset: string): Promise<string> {
  return derivedId("acc", "customer", person, asset);
}

interface NewAccount {
  readonly account: string;
  readonly asset: string;
  readonly owner: string;
}

/** Opens each account once, however many ask at once. An account once opened stays open. */
function accountOpener(client: LedgerClient): (account: NewAccount) => Promise<void> {
  const opened = new Map<string, Promise<unknown>>();
  return async ({ account, asset, owner }) => {
    const body = { account, asset, code: CUSTOMER_CODE, owner };
    const opening = opened.get(account) ?? asking(client.openAccount({ body }));
    if (opened.size >= OPENED_KEPT_MAX) opened.clear();
    opened.set(account, opening);
    try {
      await opening;
    } catch (error) {
      opened.delete(account);
      throw error;
    }
  };
}

async function post(client: LedgerClient, order: TransferOrder): Promise<void> {
  const made = await client.postTransfer({ body: order });
  invariant(
    made.transfer === order.transfer && made.amount === order.amount && made.asset === order.asset,
    "The ledger makes the transfer that was asked for, or none.",
  );
}

async function readRefusal(
  client: LedgerClient,
  error: unknown,
  order: Subject,
): Promise<TransferOutcome | null> {
  if (isClientError(error, ...BURNING)) return { kind: "not-moved", failure: error.code };
  if (isClientError(error, "TRANSFER_ID_BURNED")) return burnedOutcome(error);
  // The one refusal by the balance of the moment that leaves the id free.
  if (isClientError(error, "BALANCE_OVERFLOW")) return burn(client, order, error.code);
  return null;
}

async function settle(
  client: LedgerClient,
  order: Subject,
  final: boolean,
): Promise<TransferOutcome | null> {
  try {
    await client.transfer({ params: { transferId: order.transfer } });
    return { kind: "moved" };
  } catch (error) {
    if (isClientError(error, "TRANSFER_ID_BURNED")) return burnedOutcome(error);
    if (!isClientError(error, "TRANSFER_NOT_FOUND")) throw unavailableOr("ledger", error);
    return final ? burn(client, order, ABANDONED) : null;
  }
}

/** Burns the id. If its transfer was made in between, the money moved after all. */
async function burn(
  client: LedgerClient,
  { transfer, code }: Subject,
  failure: string,
): Promise<TransferOutcome> {
  const params = { transferId: transfer };
  const answer = await asking(client.burnTransfer({ params, body: { code } }));
  return answer.burned ? { kind: "not-moved", failure } : { kind: "moved" };
}

/** The ledger tells the refusal that used the id up; an id that we burned ourselves has none. */
function burnedOutcome(error: ClientError): TransferOutcome {
  const reason = error.given["reason"];
  const known = typeof reason === "string" && BURNING.includes(reason);
  return { kind: "not-moved", failure: known ? reason : ABANDONED };
}

async function asking<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw unavailableOr("ledger", error);
  }
}
