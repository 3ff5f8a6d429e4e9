/**
 * What comes round every 5 s: invoices whose time is over are marked, and payments that were begun
 * without a saga, by an older revision, get one.
 */
import { sleep } from "@tideway/kernel";
import { tx } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Dependencies } from "./dependencies.ts";
import { startPayment } from "./settle-payment.ts";
import { expireInvoices } from "./store/invoices.ts";
import { takeOverduePayments } from "./store/payments.ts";

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

/** One round: at most 20 payments and 500 invoices. */
async function round(parts: Parts): Promise<void> {
  const payments = await takeOverduePayments(parts.pool, PAYMENTS_AT_ONCE_MAX);
  for (const row of payments) {
    await tx(parts.pool, (t) => startPayment(parts, t, row, { isNew: false }));
  }
  await expireInvoices(parts.pool, INVOICES_MAX);
}
