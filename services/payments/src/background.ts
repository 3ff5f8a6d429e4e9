/**
 * What comes round every 5 s: invoices whose time is over are marked, payments that were begun
 * without a saga, by an older revision, get one, and answers that were kept during an erasure go.
 */
import { sleep } from "@tideway/kernel";
import { tx } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Dependencies } from "./dependencies.ts";
import { startPayment } from "./settle-payment.ts";
import { expireInvoices } from "./store/invoices.ts";
import { takeOverduePayments } from "./store/payments.ts";
import { forgetAnswersWithNotes, recentErasures } from "./store/person-keys.ts";

export const BACKGROUND_EVERY_MS = 5_000;
const PAYMENTS_AT_ONCE_MAX = 20;
const INVOICES_MAX = 500;

export interface Background {
  start(): void;
  /** Ends after the round under way. */
  stop(): Promise<void>;
}

type Parts = Pick<Dependencies, "pool" | "sagas" | "logger">;

export function createBackground(parts: Parts, everyMs: number): Background {
  const stopping = new AbortController();
  let loop: Promise<void> = Promise.resolve();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await round(parts).catch((error: unknown) => {
        parts.logger.warn("background.round-failed", errorFields(error));
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

/** One round: at most 20 payments, 500 invoices and 200 erasures. */
async function round(parts: Parts): Promise<void> {
  const payments = await takeOverduePayments(parts.pool, PAYMENTS_AT_ONCE_MAX);
  for (const row of payments) {
    // Nobody's token is here, so its saga asks the ledger and never posts. One that cannot be begun
    // must not keep the others from it; it comes round again in 15 s.
    await tx(parts.pool, (t) =>
      startPayment(parts, t, row, { isNew: false, attended: false }),
    ).catch((error: unknown) => {
      parts.logger.error("payment.not-adopted", { payment: row.payment, ...errorFields(error) });
    });
  }
  await expireInvoices(parts.pool, INVOICES_MAX);
  for (const person of await recentErasures(parts.pool)) {
    await forgetAnswersWithNotes(parts.pool, person);
  }
}
