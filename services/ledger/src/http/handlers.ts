import type { ledgerApi } from "@tideway/api-ledger";
import type { HandlersOf } from "@tideway/http";
import { accountRoute } from "./account.ts";
import { accountsOfRoute } from "./accounts-of.ts";
import { assetsRoute } from "./assets.ts";
import { burnTransferRoute } from "./burn-transfer.ts";
import { historyRoute } from "./history.ts";
import { openAccountRoute } from "./open-account.ts";
import { postTransferRoute } from "./post-transfer.ts";
import { guarded } from "./route-parts.ts";
import type { LedgerParts } from "./route-parts.ts";
import { systemAccountRoute } from "./system-account.ts";
import { transferRoute } from "./transfer.ts";
import { trialBalanceRoute } from "./trial-balance.ts";

/** The handlers of every route of the api. */
export function handlersOf(parts: LedgerParts): HandlersOf<typeof ledgerApi> {
  return {
    assets: guarded(assetsRoute(parts)),
    openAccount: guarded(openAccountRoute(parts)),
    account: guarded(accountRoute(parts)),
    accountsOf: guarded(accountsOfRoute(parts)),
    systemAccount: guarded(systemAccountRoute(parts)),
    postTransfer: guarded(postTransferRoute(parts)),
    transfer: guarded(transferRoute(parts)),
    burnTransfer: guarded(burnTransferRoute(parts)),
    history: guarded(historyRoute(parts)),
    trialBalance: guarded(trialBalanceRoute(parts)),
  };
}
