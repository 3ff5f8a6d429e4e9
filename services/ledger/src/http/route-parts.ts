/** What the routes are made from. */
import type { ledgerApi } from "@tideway/api-ledger";
import type { Handler } from "@tideway/http";
import type { RouteApi } from "@tideway/schema";
import type { Pool } from "@tideway/store";
import type { Measures } from "../measures.ts";
import { databaseFailure } from "../store/database-failure.ts";

export interface LedgerParts {
  readonly pool: Pool;
  readonly measures: Measures;
}

export type Routes = (typeof ledgerApi)["routes"];

/** The handler, with failures of the database told as what they are: worth another try. */
export function guarded<R extends RouteApi>(handler: Handler<R>): Handler<R> {
  return async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      throw databaseFailure(error);
    }
  };
}
