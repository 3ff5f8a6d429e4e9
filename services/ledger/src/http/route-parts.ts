/** What the routes are made from. */
import type { ledgerApi } from "@tideway/api-ledger";
import type { Pool } from "@tideway/store";
import type { Measures } from "../measures.ts";

export interface LedgerParts {
  readonly pool: Pool;
  readonly measures: Measures;
}

export type Routes = (typeof ledgerApi)["routes"];
