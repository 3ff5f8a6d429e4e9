import { personOf } from "@tideway/http";
import type { Handler } from "@tideway/http";
import { derivedId, parsePositiveMinor, present } from "@tideway/kernel";
import type { Dependencies, Routes } from "../dependencies.ts";
import { insertInvoice, readInvoice } from "../store/invoices.ts";
import { viewInvoice } from "../views.ts";

const EXPIRES_IN_SECONDS_DEFAULT = 86_400;

export function createInvoice(deps: Dependencies): Handler<Routes["createInvoice"]> {
  return async (request) => {
    const { body, operation } = request;
    const payee = personOf(request);
    const amountMinor = parsePositiveMinor(body.amount);
    const { asset, scale } = await deps.ledger.asset(body.asset);
    const invoice = await derivedId("inv", operation);
    const note = body.note ? await deps.notes.seal(payee, invoice, body.note) : null;
    const expiresInSeconds = body.expiresInSeconds ?? EXPIRES_IN_SECONDS_DEFAULT;
    const made = { invoice, payee, amountMinor, asset, scale, note, expiresInSeconds };
    await insertInvoice(deps.pool, made);
    const row = present(await readInvoice(deps.pool, invoice), "It was inserted, now or before.");
    return viewInvoice(deps, row);
  };
}
