/** People who pay, with the moments of each try: how soon things go again after a fault is read from it. */
import type { Payer } from "../system/money-traffic.ts";

/** A try that was answered well, on the monotonic clock in milliseconds. */
export interface GoodTry {
  readonly beganMs: number;
  readonly endedMs: number;
}

export interface Timed {
  readonly payers: readonly Payer[];
  readonly tries: readonly GoodTry[];
}

/** The same people, with every successful try of a movement of money written down. */
export function timed(payers: readonly Payer[]): Timed {
  const tries: GoodTry[] = [];
  const note = async <T>(act: () => Promise<T>): Promise<T> => {
    const beganMs = performance.now();
    const answer = await act();
    tries.push({ beganMs, endedMs: performance.now() });
    return answer;
  };
  const watched = payers.map(({ payments, ...person }): Payer => {
    const sendPayment: typeof payments.sendPayment = (request) =>
      note(() => payments.sendPayment(request));
    const payInvoice: typeof payments.payInvoice = (request) =>
      note(() => payments.payInvoice(request));
    return { ...person, payments: { ...payments, sendPayment, payInvoice } };
  });
  return { payers: watched, tries };
}

/** How long after this moment the first try that began later was answered well; null as yet. */
export function recoveryAfter(momentMs: number, tries: readonly GoodTry[]): number | null {
  let endedMs = Infinity;
  for (const one of tries) if (one.beganMs >= momentMs) endedMs = Math.min(endedMs, one.endedMs);
  return endedMs === Infinity ? null : endedMs - momentMs;
}

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Nearest rank, in whole milliseconds. */
export function percentilesOf(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = (share: number): number =>
    Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return { count: sorted.length, p50: rank(0.5), p99: rank(0.99), max: rank(1) };
}
