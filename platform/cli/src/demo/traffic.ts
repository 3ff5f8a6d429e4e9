/**
 * Real payments between demo people at a steady rate, through the gateway. Open loop: a payment
 * begins when its time has come, whether or not the ones before are done, so that a slow system
 * shows as slow. What would exceed the bound in flight is counted as dropped, not forgotten.
 */
import { paymentsApi } from "@tideway/api-payments";
import { createClient, isClientError } from "@tideway/client";
import type { FetchLike } from "@tideway/client";
import { sleep } from "@tideway/kernel";
import type { DemoPerson } from "./people.ts";

export interface TrafficOptions {
  readonly publicUrl: string;
  readonly people: readonly DemoPerson[];
  readonly perSecond: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
  readonly fetch?: FetchLike;
  readonly inFlightMax?: number;
  readonly onSecond?: (report: TrafficReport) => void;
}

/** A payment that was answered with 201. */
export interface Acknowledged {
  readonly payment: string;
  readonly transfer: string;
  readonly amount: string;
  readonly payer: string;
  readonly payee: string;
}

export interface Failure {
  readonly atMs: number;
  readonly code: string;
  readonly status: number;
  readonly message: string;
  readonly traceId: string | null;
}

export interface TrafficReport {
  readonly sent: number;
  readonly acknowledged: readonly Acknowledged[];
  /** First attempts that failed, retried or not. */
  readonly rawFailures: readonly Failure[];
  /** Payments that failed also after one retry with the same key. */
  readonly failures: readonly Failure[];
  readonly dropped: number;
  /** Milliseconds of every payment, the retry included. */
  readonly latenciesMs: readonly number[];
}

const IN_FLIGHT_MAX = 500;
const ASSET = "EUR";
const AMOUNT_MAX_MINOR = 50;
const RETRY_AFTER_MS = 50;

/** Runs until the time is over or `signal` fires; resolves when the last payment was answered. */
export async function runTraffic(options: TrafficOptions): Promise<TrafficReport> {
  const report = {
    sent: 0,
    acknowledged: [] as Acknowledged[],
    rawFailures: [] as Failure[],
    failures: [] as Failure[],
    dropped: 0,
    latenciesMs: [] as number[],
  };
  const startedAtMs = performance.now();
  const total = Math.round(options.perSecond * options.seconds);
  const inFlight = new Set<Promise<void>>();
  for (let i = 0; i < total && !options.signal.aborted; i++) {
    const dueAtMs = startedAtMs + (i * 1_000) / options.perSecond;
    const waitMs = dueAtMs - performance.now();
    if (waitMs > 1) await sleep(waitMs, options.signal);
    if (options.signal.aborted) break;
    if (i > 0 && i % options.perSecond === 0) options.onSecond?.(report);
    if (inFlight.size >= (options.inFlightMax ?? IN_FLIGHT_MAX)) {
      report.dropped++;
      continue;
    }
    report.sent++;
    const one: Promise<void> = payOnce(options, report).finally(() => inFlight.delete(one));
    inFlight.add(one);
  }
  await Promise.all(inFlight);
  return report;
}

type Growing = { -readonly [K in keyof TrafficReport]: TrafficReport[K] } & {
  acknowledged: Acknowledged[];
  rawFailures: Failure[];
  failures: Failure[];
  latenciesMs: number[];
};

async function payOnce(options: TrafficOptions, report: Growing): Promise<void> {
  const startedAtMs = performance.now();
  const [payer, payee] = twoOf(options.people);
  const amount = String(1 + Math.floor(Math.random() * AMOUNT_MAX_MINOR));
  const idempotencyKey = crypto.randomUUID();
  const payments = createClient(paymentsApi, {
    baseUrl: `${options.publicUrl}/api/payments`,
    token: payer.token,
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });
  const attempt = async (): Promise<void> => {
    const body = { to: { person: payee.person }, amount, asset: ASSET };
    const { payment, transfer } = await payments.sendPayment({ body, idempotencyKey });
    const people = { payer: payer.person, payee: payee.person };
    report.acknowledged.push({ payment, transfer, amount, ...people });
  };
  try {
    await attempt();
  } catch (error) {
    report.rawFailures.push(failureOf(error));
    const mayRetry = isClientError(error) && error.retryable;
    if (!mayRetry) report.failures.push(failureOf(error));
    else {
      await sleep(RETRY_AFTER_MS);
      await attempt().catch((again: unknown) => void report.failures.push(failureOf(again)));
    }
  }
  report.latenciesMs.push(performance.now() - startedAtMs);
}

function failureOf(error: unknown): Failure {
  const atMs = Date.now();
  if (isClientError(error)) {
    const { code, status, message, traceId } = error;
    return { atMs, code, status, message, traceId };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { atMs, code: "UNEXPECTED", status: 0, message, traceId: null };
}

function twoOf(people: readonly DemoPerson[]): [DemoPerson, DemoPerson] {
  const first = Math.floor(Math.random() * people.length);
  const second = (first + 1 + Math.floor(Math.random() * (people.length - 1))) % people.length;
  const [payer, payee] = [people[first], people[second]];
  if (payer === undefined || payee === undefined) throw new Error("It takes two people to pay.");
  return [payer, payee];
}

/** A quantile of what was measured, in milliseconds; null without any. */
export function quantileMs(latenciesMs: readonly number[], share: number): number | null {
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return value === undefined ? null : Math.round(value * 10) / 10;
}
