import type { Handler } from "@tideway/http";
import { CHART } from "../domain/chart.ts";
import { mayRead } from "../domain/grants.ts";
import { readAccountsOf } from "../store/accounts.ts";
import { actorOf } from "./actor.ts";
import { accountGrantMissing } from "./refusals.ts";
import type { LedgerParts, Routes } from "./route-parts.ts";
import { wireAccount } from "./wire.ts";

/** Without a code: those of the owner's accounts that the caller may read. */
export function accountsOfRoute({ pool }: LedgerParts): Handler<Routes["accountsOf"]> {
  return async (request) => {
    const actor = actorOf(request);
    const { owner, code } = request.query;
    const asked = code === undefined ? CHART.map((entry) => entry.code) : [code];
    const readable = asked.filter((one) => mayRead(actor, one));
    if (readable.length === 0) throw accountGrantMissing(actor, "read", code ?? null);
    const accounts = await readAccountsOf(pool, owner, readable);
    return { accounts: accounts.map(wireAccount) };
  };
}
