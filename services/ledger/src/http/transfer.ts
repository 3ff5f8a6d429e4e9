import { ledgerErrors } from "@tideway/api-ledger";
import type { Handler } from "@tideway/http";
import { mayRead } from "../domain/grants.ts";
import type { Actor } from "../domain/grants.ts";
import { readBurnedId } from "../store/burned-ids.ts";
import { readTransfer } from "../store/transfers.ts";
import type { StoredTransfer } from "../store/transfers.ts";
import { actorOf } from "./actor.ts";
import { accountGrantMissing } from "./refusals.ts";
import type { LedgerParts, Routes } from "./route-parts.ts";
import { wireTransfer } from "./wire.ts";

/** A service reads what it made itself; others need a read grant for one of the two accounts. */
export function transferRoute({ pool }: LedgerParts): Handler<Routes["transfer"]> {
  return async (request) => {
    const actor = actorOf(request);
    const id = request.params.transferId;
    const stored = await readTransfer(pool, id);
    if (stored !== undefined) {
      checkReadable(actor, stored);
      return wireTransfer(stored);
    }
    const burned = await readBurnedId(pool, id);
    if (burned === undefined) {
      throw ledgerErrors.error("TRANSFER_NOT_FOUND", { given: { transfer: id } });
    }
    const isOwn = burned.service === actor.service;
    const original = isOwn ? { ...burned.given, reason: burned.reason } : {};
    throw ledgerErrors.error("TRANSFER_ID_BURNED", { given: { ...original, transfer: id } });
  };
}

function checkReadable(actor: Actor, stored: StoredTransfer): void {
  if (stored.transfer.service === actor.service) return;
  if (mayRead(actor, stored.debitCode) || mayRead(actor, stored.creditCode)) return;
  throw accountGrantMissing(actor, "read", stored.debitCode);
}
