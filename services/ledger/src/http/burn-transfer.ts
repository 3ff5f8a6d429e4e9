import { ledgerErrors } from "@tideway/api-ledger";
import type { Handler } from "@tideway/http";
import { unreachable } from "@tideway/kernel";
import { mayUseCode } from "../domain/grants.ts";
import { burnTransfer } from "../store/burn-transfer.ts";
import { actorOf } from "./actor.ts";
import { refusalError } from "./refusals.ts";
import type { LedgerParts, Routes } from "./route-parts.ts";
import { wireTransfer } from "./wire.ts";

/** For whoever may make transfers of this code; needs no person, so that recovery can use it. */
export function burnTransferRoute({ pool }: LedgerParts): Handler<Routes["burnTransfer"]> {
  return async (request) => {
    const actor = actorOf(request);
    const { code } = request.body;
    if (!mayUseCode(actor, code, ["transfer", "hold"])) {
      throw ledgerErrors.error("GRANT_MISSING", {
        given: { caller: actor.service, operation: "burn", code, wanted: `burn as ${code}` },
      });
    }
    const result = await burnTransfer(pool, {
      transfer: request.params.transferId,
      code,
      service: actor.service,
    });
    switch (result.kind) {
      case "burned":
        return { burned: true, transfer: null };
      case "known":
        return { burned: false, transfer: wireTransfer(result.stored) };
      case "refused":
        throw refusalError(result.refusal);
      default:
        return unreachable(result);
    }
  };
}
