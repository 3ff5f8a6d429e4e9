import { paymentsErrors } from "@tideway/api-payments";
import { personOf } from "@tideway/http";
import type { Handler, HandlerRequest } from "@tideway/http";
import { derivedId, parsePositiveMinor, present } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Dependencies, Routes } from "../dependencies.ts";
import { openAccounts } from "../open-accounts.ts";
import { settleAgain, settlePayment, startPayment } from "../settle-payment.ts";
import type { Begun } from "../settle-payment.ts";
import { insertPayment, readPayment } from "../store/payments.ts";
import { viewPayment } from "../views.ts";

/** Sends money to another person. */
export function sendPayment(deps: Dependencies): Handler<Routes["sendPayment"]> {
  return async (request) => {
    const payment = await derivedId("pay", request.operation);
    const found = request.isRepeat ? await readPayment(deps.pool, payment) : null;
    const { row, isNew } =
      found === null ? await begin(deps, request, payment) : { row: found, isNew: false };
    const done = isNew ? await settlePayment(deps, row) : await settleAgain(deps, row);
    return viewPayment(deps, done);
  };
}

/** Checks the order and writes it down with its saga, before the ledger hears of it. */
async function begin(
  deps: Dependencies,
  request: HandlerRequest<Routes["sendPayment"]>,
  payment: string,
): Promise<Begun> {
  const { body, operation } = request;
  const payer = personOf(request);
  const amountMinor = parsePositiveMinor(body.amount);
  const { asset, scale } = await deps.ledger.asset(body.asset);
  const payee = await payeeOf(deps, payer, body.to);
  const transfer = await derivedId("trf", "payment", operation);
  const note = body.note ? await deps.notes.seal(payer, payment, body.note) : null;
  await openAccounts(deps, { payer, payee, asset });
  const terms = { payment, transfer, payer, payee, amountMinor, asset, scale, invoice: null, note };
  return tx(deps.pool, async (t) => {
    const inserted = await insertPayment(t, terms);
    if (inserted !== null) {
      await startPayment(deps, t, inserted, { isNew: true, attended: true });
      return { row: inserted, isNew: true };
    }
    const row = present(await readPayment(t, payment), "A duplicate of this request inserted it.");
    return { row, isNew: false };
  });
}

async function payeeOf(
  { identity }: Dependencies,
  payer: string,
  to: HandlerRequest<Routes["sendPayment"]>["body"]["to"],
): Promise<string> {
  const payee = "email" in to ? await identity.findByEmail(to.email) : to.person;
  if (payee === payer) throw paymentsErrors.error("PAYMENT_SELF");
  if ("person" in to) await identity.checkExists(payee, [payer]);
  return payee;
}
