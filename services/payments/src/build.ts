/** Puts the service together from its parts. */
import { identityApi } from "@tideway/api-identity";
import { ledgerApi } from "@tideway/api-ledger";
import { paymentsApi } from "@tideway/api-payments";
import { createEventModule, createPublisher } from "@tideway/events";
import { createInternalClient } from "@tideway/http";
import type { BuiltService, ServiceParts } from "@tideway/http";
import { createSagaCall, createSagaModule } from "@tideway/saga";
import type { Dependencies } from "./dependencies.ts";
import type { FinishParts } from "./finish-payment.ts";
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
import { BACKGROUND_EVERY_MS, createBackground } from "./background.ts";
import { transferPosted } from "./events/transfer-posted.ts";
import { paymentSaga } from "./sagas/payment-saga.ts";
import { topUpSaga } from "./sagas/top-up-saga.ts";
import { createNotes } from "./secrets/notes.ts";

export interface BuildOptions {
  /** How often the background looks for sagas that are due, in milliseconds. */
  readonly pollEveryMs?: number;
}

export function buildPayments(
  parts: ServiceParts,
  options: BuildOptions = {},
): BuiltService<typeof paymentsApi> {
  const { deps, finishing } = dependenciesOf(parts, options);
  const background = createBackground(deps, BACKGROUND_EVERY_MS);
  const events = createEventModule({ ...parts, consumers: [transferPosted(finishing)] });
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
    modules: [deps.sagas.module, events],
    start: async () => background.start(),
    stop: () => background.stop(),
  };
}

function dependenciesOf(
  parts: ServiceParts,
  { pollEveryMs }: BuildOptions,
): { readonly deps: Dependencies; readonly finishing: FinishParts } {
  const { config, pool, clock, logger, metrics } = parts;
  const ledger = createLedger({ client: createInternalClient(ledgerApi, config), clock });
  const finished = metrics.counter("payments", "Payments that became final.", ["state"]);
  const finishing: FinishParts = {
    publish: createPublisher(paymentsApi, { pool, logger, metrics }),
    counters: { finished: (state) => finished.inc({ state }) },
  };
  const sagas = createSagaModule({
    ...parts,
    definitions: [paymentSaga(ledger, finishing), topUpSaga(ledger)],
    call: createSagaCall(config),
    instance: config.instance,
    ...(pollEveryMs === undefined ? {} : { pollEveryMs }),
  });
  const deps = {
    pool,
    logger,
    profile: config.profile,
    ledger,
    identity: createIdentity({ client: createInternalClient(identityApi, config), clock, logger }),
    notes: createNotes(pool, config.serviceKey),
    sagas,
  };
  return { deps, finishing };
}
