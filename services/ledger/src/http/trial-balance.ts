import type { Handler } from "@tideway/http";
import { readTrialBalance } from "../store/trial-balance.ts";
import type { LedgerParts, Routes } from "./route-parts.ts";

/** Any service may ask: sums over everybody tell nothing about anybody. */
export function trialBalanceRoute({ pool }: LedgerParts): Handler<Routes["trialBalance"]> {
  return async () => {
    const assets = await readTrialBalance(pool);
    return {
      assets: assets.map((one) => ({
        asset: one.asset,
        debitsPosted: one.debitsPosted.toString(),
        creditsPosted: one.creditsPosted.toString(),
        debitsPending: one.debitsPending.toString(),
        creditsPending: one.creditsPending.toString(),
        transfers: one.transfers,
        balanced: one.imbalance === 0n,
      })),
    };
  };
}
