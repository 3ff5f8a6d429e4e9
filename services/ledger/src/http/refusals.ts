/** The domain's refusals as errors of the catalogue. */
import { ledgerErrors } from "@tideway/api-ledger";
import type { CodedError } from "@tideway/kernel";
import type { Actor } from "../domain/grants.ts";
import type { Refusal } from "../domain/refusal.ts";

export function refusalError(refusal: Refusal): CodedError {
  return ledgerErrors.error(refusal.code, { given: refusal.given });
}

/** GRANT_MISSING for opening or reading; `account` is a chart code, or null for any. */
export function accountGrantMissing(
  actor: Actor,
  operation: "open" | "read",
  account: number | null,
): CodedError {
  const which = account === null ? "any accounts" : `accounts of code ${account}`;
  return ledgerErrors.error("GRANT_MISSING", {
    given: {
      caller: actor.service,
      operation,
      ...(account === null ? {} : { account }),
      wanted: `${operation} ${which}`,
    },
  });
}
