import { paymentsErrors } from "@tideway/api-payments";
import { personOf } from "@tideway/http";
import type { Handler } from "@tideway/http";
import { derivedId } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Dependencies, Routes } from "../dependencies.ts";
import { failureError } from "../domain/failure.ts";
import { TOP_UP_MONEY } from "../domain/top-up.ts";
import type { TransferOrder } from "../remote/ledger.ts";
import { TOP_UP_SAGA } from "../sagas/top-up-saga.ts";
import { notKnown } from "../settle-payment.ts";
import { beginTopUp, findTopUp } from "../store/top-ups.ts";
import type { TopUpRow } from "../store/top-ups.ts";
import { readBalances } from "./balances.ts";

const WAIT_MS_MAX = 30_000;

/**
 * Gives a person the demo money of the day. Its transfers' ids follow from person and day, so it is
 * given once; one that was cut off half way is completed by its saga.
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
    if (!found.finished) await give(deps, person, found);
    return readBalances(deps, person);
  };
}

async function give(deps: Dependencies, person: string, { day }: TopUpRow): Promise<void> {
  const orders = await Promise.all(TOP_UP_MONEY.map((money) => orderOf(deps, person, day, money)));
  const options = { key: `${person}.${day}`, data: { person, day, orders } };
  const { saga } = await tx(deps.pool, (t) => deps.sagas.start(t, TOP_UP_SAGA.name, options));
  const view = await deps.sagas.run(saga, WAIT_MS_MAX);
  if (!view.isOver) throw notKnown(view);
  if (view.state === "compensated") throw failureError(view.reason?.code ?? "");
}

async function orderOf(
  { ledger }: Dependencies,
  person: string,
  day: string,
  { asset, amountMinor }: (typeof TOP_UP_MONEY)[number],
): Promise<TransferOrder> {
  return {
    transfer: await derivedId("trf", "top-up", person, day, asset),
    kind: "post",
    debit: await ledger.capitalAccount(asset),
    credit: await ledger.customerAccount(person, asset),
    amount: amountMinor.toString(),
    asset,
    code: "demo-money",
    reference: `top-up-${day}`,
  };
}
