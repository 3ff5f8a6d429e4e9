/** The inbox rows are committed before the handlers run: what fails after that is never repeated. */
import { insertInbox } from "../scenarios/events/parts.ts";
import { eventMutant } from "./mutant.ts";

export const duplicatesOutsideTheTransaction = eventMutant(
  "duplicates removed outside the transaction",
  {
    *claimInbox({ database, process, inbox, rows }) {
      const fresh = yield* database.transaction(process, (t) => insertInbox(t, inbox, rows));
      return { transaction: yield* database.begin(process), fresh };
    },
  },
);
