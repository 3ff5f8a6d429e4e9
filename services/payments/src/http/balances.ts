import { personOf } from "@tideway/http";
import type { Handler } from "@tideway/http";
import type { ReplyOf } from "@tideway/schema";
import type { Dependencies, Routes } from "../dependencies.ts";

/** Assets in which the person has an account, by code; nothing for those never used. */
export function balances(deps: Dependencies): Handler<Routes["balances"]> {
  return async (request) => readBalances(deps, personOf(request));
}

export async function readBalances(
  { ledger }: Pick<Dependencies, "ledger">,
  person: string,
): Promise<ReplyOf<Routes["balances"]>> {
  const [assets, accounts] = await Promise.all([ledger.assets(), ledger.balancesOf(person)]);
  const sorted = accounts.sort((a, b) => (a.asset < b.asset ? -1 : 1));
  return {
    balances: sorted.map(({ asset, scale, availableMinor, heldMinor }) => ({
      asset,
      name: assets.get(asset)?.name ?? asset,
      scale,
      available: availableMinor.toString(),
      held: heldMinor.toString(),
    })),
  };
}
