import { paymentsErrors } from "@tideway/api-payments";
import { personOf } from "@tideway/http";
import type { Handler } from "@tideway/http";
import { derivedId } from "@tideway/kernel";
import type { Dependencies, Routes } from "../dependencies.ts";
import { failureError } from "../domain/failure.ts";
import { TOP_UP_MONEY } from "../domain/top-up.ts";
import { beginTopUp, findTopUp, finishTopUp } from "../store/top-ups.ts";
import { readBalances } from "./balances.ts";

/**
 * Gives a person the demo money of the day. Its transfers' ids follow from person and day, so it is
 * given once; one that was cut off half way is completed by whatever request comes next.
 */
export function topUp(deps: Dependencies): Handler<Routes["topUp"]> {
  return async (request) => {
    if (deps.profile !== "demo") throw paymentsErrors.error("TOP_UP_UNAVAILABLE");
    const person = personOf(request);
    const { operation } = request;
    // A retry after midnight is about the day it began on.
    const found =
      (await findTopUp(deps.pool, person, operation)) ??
      (await beginTopUp(deps.pool, person, operation));
    if (found.finished && found.operation !== operation) throw paymentsErrors.error("TOP_UP_LIMIT");
    if (!found.finished) {
      for (const money of TOP_UP_MONEY) await give(deps, { ...money, person, day: found.day });
      await finishTopUp(deps.pool, person, found.day);
    }
    return readBalances(deps, person);
  };
}

interface Gift {
  readonly person: string;
  /** In UTC, 2026-01-31. */
  readonly day: string;
  readonly asset: string;
  readonly amountMinor: bigint;
}

async function give({ ledger }: Dependencies, gift: Gift): Promise<void> {
  const { person, day, asset, amountMinor } = gift;
  const outcome = await ledger.post({
    transfer: await derivedId("trf", "top-up", person, day, asset),
    debit: await ledger.capitalAccount(asset),
    credit: await ledger.customerAccount(person, asset),
    amountMinor,
    asset,
    code: "demo-money",
    reference: `top-up-${day}`,
  });
  if (outcome.kind === "not-moved") throw failureError(outcome.failure);
}
