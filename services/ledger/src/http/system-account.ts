import { ledgerErrors } from "@tideway/api-ledger";
import type { Handler } from "@tideway/http";
import { commonErrors } from "@tideway/kernel";
import { mayRead } from "../domain/grants.ts";
import { readAccount } from "../store/accounts.ts";
import { readAssets } from "../store/assets.ts";
import { houseAccountId } from "../store/house-accounts.ts";
import { actorOf } from "./actor.ts";
import { accountGrantMissing } from "./refusals.ts";
import type { LedgerParts, Routes } from "./route-parts.ts";
import { wireAccount } from "./wire.ts";

export function systemAccountRoute({ pool }: LedgerParts): Handler<Routes["systemAccount"]> {
  return async (request) => {
    const actor = actorOf(request);
    const { code, asset } = request.params;
    if (!mayRead(actor, code)) throw accountGrantMissing(actor, "read", code);
    const account = await readAccount(pool, await houseAccountId(code, asset));
    if (account !== undefined) return wireAccount(account);
    if (!(await readAssets(pool)).some((known) => known.asset === asset)) {
      throw commonErrors.error("ASSET_UNKNOWN", { given: { asset } });
    }
    throw ledgerErrors.error("ACCOUNT_NOT_FOUND", { given: { account: `${code} ${asset}` } });
  };
}
