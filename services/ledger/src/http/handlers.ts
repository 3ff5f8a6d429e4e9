import type { ledgerApi } from "@tideway/api-ledger";
import type { HandlersOf } from "@tideway/http";
import { accountRoute } from "./account.ts";
import { accountsOfRoute } from "./accounts-of.ts";
import { assetsRoute } from "./assets.ts";
import { burnTransferRoute } from "./burn-transfer.ts";
import { historyRoute } from "./history.ts";
import { openAccountRoute } from "./open-account.ts";
import { postTransferRoute } from "./post-transfer.ts";
import type { LedgerParts } from "./route-parts.ts";
import { systemAccountRoute } from "./system-account.ts";
import { transferRoute } from "./transfer.ts";
import { trialBalanceRoute } from "./trial-balance.ts";

/** The handlers of every route of the api. */
export function handlersOf(parts: LedgerParts): HandlersOf<typeof ledgerApi> {
  return {
    assets: assetsRoute(parts),
    openAccount: openAccountRoute(parts),
    account: accountRoute(parts),
    accountsOf: accountsOfRoute(parts),
    systemAccount: systemAccountRoute(parts),
    postTransfer: postTransferRoute(parts),
    transfer: transferRoute(parts),
    burnTransfer: burnTransferRoute(parts),
    history: historyRoute(parts),
    trialBalance: trialBalanceRoute(parts),
  };
}
