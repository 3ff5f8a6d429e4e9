/** What the routes are made from. */
import type { ledgerApi } from "@tideway/api-ledger";
import type { Pool } from "@tideway/store";
import type { PublishLedgerEvents } from "../events/transfer-posted.ts";
import type { Measures } from "../measures.ts";

export interface LedgerParts {
  readonly pool: Pool;
  readonly publish: PublishLedgerEvents;
  readonly measures: Measures;
}

export type Routes = (typeof ledgerApi)["routes"];
