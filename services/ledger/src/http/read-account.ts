/** An account that the caller may read. */
import { ledgerErrors } from "@tideway/api-ledger";
import type { Pool } from "@tideway/store";
import type { Account } from "../domain/account.ts";
import { mayRead, mayReadSomething } from "../domain/grants.ts";
import type { Actor } from "../domain/grants.ts";
import { readAccount } from "../store/accounts.ts";
import { accountGrantMissing } from "./refusals.ts";

/** Throws GRANT_MISSING, or ACCOUNT_NOT_FOUND to a caller that may read some accounts. */
export async function readableAccount(pool: Pool, actor: Actor, id: string): Promise<Account> {
  if (!mayReadSomething(actor)) throw accountGrantMissing(actor, "read", null);
  const account = await readAccount(pool, id);
  if (account === undefined) {
    throw ledgerErrors.error("ACCOUNT_NOT_FOUND", { given: { account: id } });
  }
  if (!mayRead(actor, account.code)) throw accountGrantMissing(actor, "read", account.code);
  return account;
}
