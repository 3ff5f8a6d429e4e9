import { paymentsErrors } from "@tideway/api-payments";
import { personOf } from "@tideway/http";
import type { Handler, HandlerRequest } from "@tideway/http";
import { derivedId, parsePositiveMinor, present } from "@tideway/kernel";
import { carryOut } from "../carry-out.ts";
import type { Dependencies, Routes } from "../dependencies.ts";
import { insertPayment, postponeCheck, readPayment } from "../store/payments.ts";
import type { PaymentRow } from "../store/payments.ts";
import { viewPayment } from "../views.ts";

/** Sends money to another person. */
export function sendPayment(deps: Dependencies): Handler<Routes["sendPayment"]> {
  return async (request) => {
    const payment = await derivedId("pay", request.operation);
    const begun = request.isRepeat ? await readPayment(deps.pool, payment) : null;
    if (begun !== null) await postponeCheck(deps.pool, payment);
    const row = begun ?? (await begin(deps, request, payment));
    return viewPayment(deps, await carryOut(deps, row));
  };
}

/** Checks the order and writes it down, before the ledger hears of it. */
async function begin(
  deps: Dependencies,
  request: HandlerRequest<Routes["sendPayment"]>,
  payment: string,
): Promise<PaymentRow> {
  const { body, operation } = request;
  const payer = personOf(request);
  const amountMinor = parsePositiveMinor(body.amount);
  const { asset, scale } = await deps.ledger.asset(body.asset);
  const payee = await payeeOf(deps, payer, body.to);
  const transfer = await derivedId("trf", "payment", operation);
  const note = body.note ? await deps.notes.seal(payer, payment, body.note) : null;
  const terms = { payment, transfer, payer, payee, amountMinor, asset, scale, invoice: null, note };
  const inserted = await insertPayment(deps.pool, terms);
  if (inserted !== null) return inserted;
  return present(await readPayment(deps.pool, payment), "A duplicate of this request inserted it.");
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
