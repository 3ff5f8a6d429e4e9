/** Makes sure that an id never moves money. */
import { tx } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { refusal } from "../domain/refusal.ts";
import type { Refusal } from "../domain/refusal.ts";
import { BURNED_ON_REQUEST, insertBurnedId, readBurnedId } from "./burned-ids.ts";
import { lockTransferId, readTransfer } from "./transfers.ts";
import type { StoredTransfer } from "./transfers.ts";

export type BurnResult =
  | { readonly kind: "burned" }
  | { readonly kind: "known"; readonly stored: StoredTransfer }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export interface BurnCommand {
  readonly transfer: string;
  readonly code: string;
  readonly service: string;
}

/**
 * Burns the id unless a transfer has it; safe to repeat. Waits for a transfer that is being made
 * under the same id, so the answer is final either way.
 */
export async function burnTransfer(pool: Pool, command: BurnCommand): Promise<BurnResult> {
  const { transfer, service, code } = command;
  return tx(pool, async (transaction): Promise<BurnResult> => {
    await lockTransferId(transaction, transfer);
    const existing = await readTransfer(transaction, transfer);
    if (existing !== undefined) {
      const { transfer: known } = existing;
      if (known.service !== service) return different(transfer, "service");
      if (known.code !== code) return different(transfer, "code");
      return { kind: "known", stored: existing };
    }
    if ((await readBurnedId(transaction, transfer)) === undefined) {
      await insertBurnedId(transaction, transfer, {
        service,
        reason: BURNED_ON_REQUEST,
        given: { code },
      });
    }
    return { kind: "burned" };
  });
}

function different(transfer: string, field: string): BurnResult {
  return { kind: "refused", refusal: refusal("TRANSFER_EXISTS_DIFFERENT", { transfer, field }) };
}
