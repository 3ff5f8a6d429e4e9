/** Accounts, transfers and entries as they are sent. */
import type { ledgerApi } from "@tideway/api-ledger";
import type { ReplyOf } from "@tideway/schema";
import { availableOf } from "../domain/account.ts";
import type { Account } from "../domain/account.ts";
import { timestampOf } from "../domain/moment.ts";
import { stateOf } from "../domain/transfer.ts";
import type { Entry } from "../store/entries.ts";
import type { StoredTransfer } from "../store/transfers.ts";

type Routes = (typeof ledgerApi)["routes"];
export type WireAccount = ReplyOf<Routes["account"]>;
export type WireTransfer = ReplyOf<Routes["transfer"]>;
export type WireEntry = ReplyOf<Routes["history"]>["items"][number];

export function wireAccount(account: Account): WireAccount {
  return {
    account: account.id,
    asset: account.asset,
    scale: account.scale,
    code: account.code,
    owner: account.owner,
    debitsPosted: account.debitsPosted.toString(),
    creditsPosted: account.creditsPosted.toString(),
    debitsPending: account.debitsPending.toString(),
    creditsPending: account.creditsPending.toString(),
    available: availableOf(account).toString(),
    openedAt: timestampOf(account.openedAtMicros),
  };
}

export function wireTransfer({ transfer, outcome, nowMicros }: StoredTransfer): WireTransfer {
  return {
    transfer: transfer.id,
    kind: transfer.kind,
    debit: transfer.debit,
    credit: transfer.credit,
    amount: transfer.amount.toString(),
    asset: transfer.asset,
    scale: transfer.scale,
    code: transfer.code,
    pending: transfer.pending,
    timeoutSeconds: transfer.timeoutSeconds,
    state: stateOf(transfer, outcome, nowMicros),
    reference: transfer.reference,
    service: transfer.service,
    revision: transfer.revision,
    at: timestampOf(transfer.atMicros),
  };
}

export function wireEntry(entry: Entry): WireEntry {
  return {
    transfer: entry.transfer,
    side: entry.side,
    other: entry.other,
    kind: entry.kind,
    amount: entry.amount.toString(),
    code: entry.code,
    reference: entry.reference,
    at: timestampOf(entry.atMicros),
  };
}
