import type { Handler } from "@tideway/http";
import { makeTransfer } from "../store/make-transfer.ts";
import { actorOf } from "./actor.ts";
import { refusalError } from "./refusals.ts";
import type { LedgerParts, Routes } from "./route-parts.ts";
import { transferCommand } from "./transfer-command.ts";
import { wireTransfer } from "./wire.ts";

export function postTransferRoute(parts: LedgerParts): Handler<Routes["postTransfer"]> {
  return async (request) => {
    const result = await makeTransfer(parts, transferCommand(request.body), actorOf(request));
    if (result.kind === "refused") {
      parts.measures.refused.inc({ code: result.refusal.code });
      throw refusalError(result.refusal);
    }
    if (result.kind === "made") parts.measures.made.inc({ kind: result.stored.transfer.kind });
    return wireTransfer(result.stored);
  };
}
