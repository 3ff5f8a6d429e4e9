/**
 * Finds out what became of payments that were cut off: an instance died after the ledger was
 * asked, or the answer was lost. Each round takes rows that nobody has worked on for longer than
 * any deadline, a bounded number, each by one instance. It needs no person: it only looks a
 * transfer up, or burns its id.
 */
import { isCoded, sleep } from "@tideway/kernel";
import { errorFields } from "@tideway/telemetry";
import type { Dependencies } from "./dependencies.ts";
import { finishPayment } from "./finish-payment.ts";
import { expireInvoices } from "./store/invoices.ts";
import { takeOverduePayments } from "./store/payments.ts";
import type { PaymentRow } from "./store/payments.ts";

export const RESOLVE_EVERY_MS = 5_000;
const PAYMENTS_AT_ONCE_MAX = 20;
const BATCHES_MAX = 10;
const INVOICES_MAX = 500;

export interface Resolver {
  start(): void;
  /** Ends after the round under way. */
  stop(): Promise<void>;
}

export function createResolver(deps: Dependencies, everyMs: number): Resolver {
  const stopping = new AbortController();
  let loop: Promise<void> = Promise.resolve();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await resolveOverdue(deps, stopping.signal).catch((error: unknown) => {
        deps.logger.warn("resolver.round-failed", errorFields(error));
      });
      await sleep(everyMs, stopping.signal);
    }
  };
  return {
    start: () => {
      loop = run();
    },
    stop: () => {
      stopping.abort();
      return loop;
    },
  };
}

/** One round: at most 200 payments and 500 invoices. */
export async function resolveOverdue(deps: Dependencies, signal: AbortSignal): Promise<void> {
  for (let batch = 0; batch < BATCHES_MAX && !signal.aborted; batch++) {
    const payments = await takeOverduePayments(deps.pool, PAYMENTS_AT_ONCE_MAX);
    await Promise.all(payments.map((payment) => resolve(deps, payment)));
    if (payments.length < PAYMENTS_AT_ONCE_MAX) break;
  }
  await expireInvoices(deps.pool, INVOICES_MAX);
}

async function resolve(deps: Dependencies, payment: PaymentRow): Promise<void> {
  try {
    const outcome = await deps.ledger.settle(payment.transfer, "payment");
    const { status } = await finishPayment(deps, payment, outcome);
    if (status.state === "pending") return;
    deps.counters.resolved(status.state);
    deps.logger.info("payment.resolved", { payment: payment.payment, state: status.state });
  } catch (error) {
    // It stays pending and comes up again in 15 s.
    const fields = isCoded(error) ? { code: error.code } : errorFields(error);
    deps.logger.warn("payment.unresolved", { payment: payment.payment, ...fields });
  }
}
