/** Ids that will never move money: one statement a function. */
import type { Given } from "@tideway/kernel";
import type { Queryable, Transaction } from "@tideway/store";
import { transferUuid } from "./ids.ts";

export interface BurnedId {
  readonly service: string;
  /** The refusal's code, or BURNED_ON_REQUEST. */
  readonly reason: string;
  /** What the refusal told. */
  readonly given: Given;
}

/** The reason of an id that a caller burned itself. */
export const BURNED_ON_REQUEST = "BURNED_ON_REQUEST";

export async function readBurnedId(db: Queryable, transfer: string): Promise<BurnedId | undefined> {
  const found = await db.query<BurnedId>(
    "select service, reason, given from burned_transfer_ids where id = $1",
    [transferUuid(transfer)],
  );
  return found.rows[0];
}

export async function insertBurnedId(
  transaction: Transaction,
  transfer: string,
  burned: BurnedId,
): Promise<void> {
  await transaction.query(
    "insert into burned_transfer_ids (id, service, reason, given) values ($1, $2, $3, $4)",
    [transferUuid(transfer), burned.service, burned.reason, JSON.stringify(burned.given)],
  );
}
