/** The event of a transfer, as it is told to everybody. */
import type { ledgerApi } from "@tideway/api-ledger";
import type { EventData, NewEvent, Publish } from "@tideway/events";
import { timestampOf } from "../domain/moment.ts";
import type { Transfer } from "../domain/transfer.ts";

export type PublishLedgerEvents = Publish<typeof ledgerApi>;

/** Keyed by the debited account, whose transfers are told of in the order of their commits. */
export function transferPosted(
  transfer: Transfer,
): NewEvent<EventData<typeof ledgerApi, "transferPosted">> {
  return {
    key: transfer.debit,
    data: {
      transfer: transfer.id,
      kind: transfer.kind,
      debit: transfer.debit,
      credit: transfer.credit,
      amount: transfer.amount.toString(),
      asset: transfer.asset,
      scale: transfer.scale,
      code: transfer.code,
      pending: transfer.pending,
      reference: transfer.reference,
      service: transfer.service,
      at: timestampOf(transfer.atMicros),
    },
  };
}
