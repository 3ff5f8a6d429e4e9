/** What the ledger tells of. Opaque ids and amounts only: no names, no people. */
import { AssetCode, MinorAmount, Timestamp } from "@tideway/schema";
import type { EventApi } from "@tideway/schema";
import { Type } from "typebox";
import { AccountId, Code, TransferId, TransferKind } from "./common.ts";

/** A transfer as it was written, whatever its kind; it never changes afterwards. */
export const TransferPosted = Type.Object({
  transfer: TransferId,
  /** A hold that expires makes no transfer, so nothing is told of it. */
  kind: TransferKind,
  debit: AccountId,
  credit: AccountId,
  /** Minor units; of a void-hold what is released. */
  amount: MinorAmount,
  asset: AssetCode,
  scale: Type.Integer(),
  code: Code,
  /** The hold that a post-hold or void-hold ends. */
  pending: Type.Union([TransferId, Type.Null()]),
  /** The opaque reference of the service that made it, for example its payment's id. */
  reference: Type.Union([Type.String(), Type.Null()]),
  /** The service that made it. */
  service: Type.String(),
  at: Timestamp,
});

export const ledgerEvents = {
  transferPosted: {
    type: "ledger.transfer.posted.v1",
    summary: "A transfer was made: money moved, was held, or a hold ended.",
    key: "the account that is debited",
    data: TransferPosted,
    // Money that moved is told of however far behind the bus is.
    shedding: "critical",
  },
} as const satisfies Readonly<Record<string, EventApi>>;
