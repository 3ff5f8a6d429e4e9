import type { Handler } from "@tideway/http";
import { actorOf } from "./actor.ts";
import { readableAccount } from "./read-account.ts";
import type { LedgerParts, Routes } from "./route-parts.ts";
import { wireAccount } from "./wire.ts";

export function accountRoute({ pool }: LedgerParts): Handler<Routes["account"]> {
  return async (request) =>
    wireAccount(await readableAccount(pool, actorOf(request), request.params.accountId));
}
