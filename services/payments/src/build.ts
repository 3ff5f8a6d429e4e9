/** Puts the service together from its parts. */
import { identityApi } from "@tideway/api-identity";
import { ledgerApi } from "@tideway/api-ledger";
import type { paymentsApi } from "@tideway/api-payments";
import { createInternalClient } from "@tideway/http";
import type { BuiltService, ServiceParts } from "@tideway/http";
import type { Dependencies } from "./dependencies.ts";
import { balances } from "./http/balances.ts";
import { cancelInvoice } from "./http/cancel-invoice.ts";
import { createInvoice } from "./http/create-invoice.ts";
import { eraseNotes } from "./http/erase-notes.ts";
import { invoice } from "./http/invoice.ts";
import { invoices } from "./http/invoices.ts";
import { payInvoice } from "./http/pay-invoice.ts";
import { payment } from "./http/payment.ts";
import { payments } from "./http/payments.ts";
import { sendPayment } from "./http/send-payment.ts";
import { topUp } from "./http/top-up.ts";
import { createIdentity } from "./remote/identity.ts";
import { createLedger } from "./remote/ledger.ts";
import { RESOLVE_EVERY_MS, createResolver } from "./resolver.ts";
import { createNotes } from "./secrets/notes.ts";

export interface BuildOptions {
  /** How often the background looks for payments that were cut off, in milliseconds. */
  readonly resolveEveryMs?: number;
}

export function buildPayments(
  parts: ServiceParts,
  options: BuildOptions = {},
): BuiltService<typeof paymentsApi> {
  const deps = dependenciesOf(parts);
  const resolver = createResolver(deps, options.resolveEveryMs ?? RESOLVE_EVERY_MS);
  return {
    handlers: {
      balances: balances(deps),
      sendPayment: sendPayment(deps),
      payments: payments(deps),
      payment: payment(deps),
      createInvoice: createInvoice(deps),
      invoices: invoices(deps),
      invoice: invoice(deps),
      payInvoice: payInvoice(deps),
      cancelInvoice: cancelInvoice(deps),
      eraseNotes: eraseNotes(deps),
      topUp: topUp(deps),
    },
    // Not awaited: requests need not wait until the ledger has answered for old payments.
    start: async () => resolver.start(),
    stop: () => resolver.stop(),
  };
}

function dependenciesOf({ config, pool, clock, logger, metrics }: ServiceParts): Dependencies {
  const finished = metrics.counter("payments", "Payments that became final.", ["state"]);
  const resolved = metrics.counter("payments_resolved", "Cut off payments that were resolved.", [
    "state",
  ]);
  return {
    pool,
    logger,
    profile: config.profile,
    ledger: createLedger({ client: createInternalClient(ledgerApi, config), clock }),
    identity: createIdentity({ client: createInternalClient(identityApi, config), clock, logger }),
    notes: createNotes(pool, config.serviceKey),
    counters: {
      finished: (state) => finished.inc({ state }),
      resolved: (state) => resolved.inc({ state }),
    },
  };
}
