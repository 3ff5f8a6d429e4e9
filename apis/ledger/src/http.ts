import {
  AssetCode,
  MinorAmount,
  PageOf,
  PageQuery,
  Timestamp,
  defineApi,
  strict,
} from "@tideway/schema";
import { Type } from "typebox";
import { AccountId, Code, TransferId, TransferKind } from "./common.ts";
import { ledgerErrors } from "./errors.ts";
import { ledgerEvents } from "./events.ts";

const ChartCode = Type.Integer({ minimum: 100, maximum: 999 });
/** The owner's opaque id, never a name. */
const Owner = Type.String({ pattern: "^[a-z]{2,8}_[0-9a-z]{26}$" });

export const Asset = Type.Object({
  asset: AssetCode,
  scale: Type.Integer(),
  name: Type.String(),
});

export const Account = Type.Object({
  account: AccountId,
  asset: AssetCode,
  scale: Type.Integer(),
  code: ChartCode,
  owner: Type.Union([Owner, Type.Null()]),
  debitsPosted: MinorAmount,
  creditsPosted: MinorAmount,
  debitsPending: MinorAmount,
  creditsPending: MinorAmount,
  /** What may be taken out: posted balance on the account's normal side, less what is held. */
  available: Type.String({ pattern: "^-?(0|[1-9][0-9]{0,38})$" }),
  openedAt: Timestamp,
});

export const Transfer = Type.Object({
  transfer: TransferId,
  kind: TransferKind,
  debit: AccountId,
  credit: AccountId,
  amount: MinorAmount,
  asset: AssetCode,
  scale: Type.Integer(),
  code: Code,
  pending: Type.Union([TransferId, Type.Null()]),
  timeoutSeconds: Type.Union([Type.Integer(), Type.Null()]),
  /** For a hold: open, posted, voided or expired. Otherwise posted. */
  state: Type.Union([
    Type.Literal("posted"),
    Type.Literal("open"),
    Type.Literal("voided"),
    Type.Literal("expired"),
  ]),
  /** The caller's opaque reference, for example its payment's id. */
  reference: Type.Union([Type.String(), Type.Null()]),
  service: Type.String(),
  revision: Type.String(),
  at: Timestamp,
});

/** One line of an account's history. */
export const Entry = Type.Object({
  transfer: TransferId,
  side: Type.Union([Type.Literal("debit"), Type.Literal("credit")]),
  other: AccountId,
  kind: TransferKind,
  amount: MinorAmount,
  code: Code,
  reference: Type.Union([Type.String(), Type.Null()]),
  at: Timestamp,
});

const common = { auth: "service", exposure: "internal" } as const;

export const ledgerApi = defineApi({
  name: "ledger",
  version: "1.0.0",
  errors: ledgerErrors,
  events: ledgerEvents,
  routes: {
    assets: {
      method: "GET",
      path: "/assets",
      auth: "public",
      exposure: "public",
      summary: "The assets and their scales.",
      reply: Type.Object({ assets: Type.Array(Asset) }),
    },
    openAccount: {
      ...common,
      method: "POST",
      repeatable: true,
      path: "/accounts",
      summary: "Open an account; the same id and fields again answer the same account.",
      body: strict({
        account: AccountId,
        asset: AssetCode,
        code: ChartCode,
        owner: Type.Optional(Owner),
      }),
      reply: Account,
      replyStatus: 201,
    },
    account: {
      ...common,
      method: "GET",
      path: "/accounts/:accountId",
      summary: "An account with its balances.",
      params: strict({ accountId: AccountId }),
      reply: Account,
    },
    accountsOf: {
      ...common,
      method: "GET",
      path: "/accounts",
      summary: "The accounts of one owner.",
      query: strict({ owner: Owner, code: Type.Optional(ChartCode) }),
      reply: Type.Object({ accounts: Type.Array(Account, { maxItems: 200 }) }),
    },
    systemAccount: {
      ...common,
      method: "GET",
      path: "/system-accounts/:code/:asset",
      summary: "The house's own account of a code and asset (1xx, 3xx to 6xx, 910).",
      params: strict({ code: ChartCode, asset: AssetCode }),
      reply: Account,
    },
    postTransfer: {
      ...common,
      method: "POST",
      repeatable: true,
      priority: "settle",
      path: "/transfers",
      summary:
        "Make a transfer. Its id is its idempotency key: the same fields again answer the same transfer.",
      body: strict({
        transfer: TransferId,
        kind: TransferKind,
        /** For post-hold and void-hold these follow from the hold and may be left out. */
        debit: Type.Optional(AccountId),
        credit: Type.Optional(AccountId),
        /** For post-hold: at most what is held; left out, all of it. */
        amount: Type.Optional(MinorAmount),
        asset: AssetCode,
        code: Code,
        pending: Type.Optional(TransferId),
        timeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 31_536_000 })),
        reference: Type.Optional(Type.String({ maxLength: 64, pattern: "^[a-z0-9_-]*$" })),
      }),
      reply: Transfer,
      replyStatus: 201,
    },
    transfer: {
      ...common,
      method: "GET",
      path: "/transfers/:transferId",
      summary: "A transfer by its id; TRANSFER_ID_BURNED when the id was used up by a failure.",
      params: strict({ transferId: TransferId }),
      reply: Transfer,
    },
    burnTransfer: {
      ...common,
      method: "POST",
      repeatable: true,
      priority: "settle",
      path: "/transfers/:transferId/burn",
      summary:
        "Make sure that this id never moves money: answers the transfer if it exists, burns the id otherwise.",
      params: strict({ transferId: TransferId }),
      body: strict({ code: Code }),
      reply: Type.Object({ burned: Type.Boolean(), transfer: Type.Union([Transfer, Type.Null()]) }),
    },
    history: {
      ...common,
      method: "GET",
      path: "/accounts/:accountId/entries",
      summary: "An account's history, newest first.",
      params: strict({ accountId: AccountId }),
      query: strict(PageQuery),
      reply: PageOf(Entry),
    },
    trialBalance: {
      ...common,
      method: "GET",
      path: "/trial-balance",
      summary:
        "Per asset the sums of all debits and credits, recomputed from the transfers; they are equal or something is broken.",
      reply: Type.Object({
        assets: Type.Array(
          Type.Object({
            asset: AssetCode,
            debitsPosted: MinorAmount,
            creditsPosted: MinorAmount,
            debitsPending: MinorAmount,
            creditsPending: MinorAmount,
            transfers: Type.Integer(),
            balanced: Type.Boolean(),
          }),
        ),
      }),
    },
  },
});
