/**
 * People who pay each other and each other's invoices while things break. Each order has one
 * idempotency key and keeps what the client was told at last; some are sent twice at once, and
 * some invoices are paid by two people at once.
 */
import { paymentsApi } from "@tideway/api-payments";
import { createClient, isClientError } from "@tideway/client";
import type { ClientOf } from "@tideway/client";
import { backoffMs, sleep } from "@tideway/kernel";
import type { DemoPerson } from "../../platform/cli/src/demo/people.ts";
import type { Seeded } from "./seeded.ts";

export interface Payer {
  readonly person: string;
  readonly email: string;
  readonly payments: ClientOf<typeof paymentsApi>;
}

/** What a client was told at last: a payment, or the code of the failure it gave up with. */
export type Told =
  | { readonly kind: "paid"; readonly payment: string }
  | { readonly kind: "failed"; readonly code: string; readonly retryable: boolean };

export interface Order {
  readonly key: string;
  readonly payer: string;
  readonly payee: string;
  readonly amount: string;
  /** inv_..., or null for money sent without one. */
  readonly invoice: string | null;
  /** One for each time it was sent: two for a duplicate. */
  readonly told: readonly Told[];
}

export interface Traffic {
  readonly orders: readonly Order[];
  /** Failed tries by code, those that a retry mended included. */
  readonly failedTries: ReadonlyMap<string, number>;
  /** Orders that were answered with a payment so far. */
  acknowledged(): number;
  stop(): Promise<void>;
}

const RETRIES_MAX = 5;
const TRY_MS_MAX = 15_000;
const UNDER_WAY_MAX = 400;
const AMOUNT_MAX_MINOR = 50;
/** More than anybody has. */
const TOO_MUCH = "99999999";

export function payersOf(publicUrl: string, people: readonly DemoPerson[]): Payer[] {
  const baseUrl = `${publicUrl}/api/payments`;
  return people.map(({ person, token }, index) => ({
    person,
    // As signInPeople names them.
    email: `payer-${String(index + 1).padStart(5, "0")}@tideway.example`,
    payments: createClient(paymentsApi, { baseUrl, token }),
  }));
}

/** Open loop: an order begins when its time has come, whatever became of those before. */
export function startTraffic(payers: readonly Payer[], random: Seeded, perSecond: number): Traffic {
  const orders: Order[] = [];
  const failedTries = new Map<string, number>();
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();
  const patient = retrier(failedTries, stopping.signal);
  const begin = (act: () => Promise<Order[]>): void => {
    const one: Promise<void> = act()
      .then((made) => void orders.push(...made))
      .finally(() => underWay.delete(one));
    underWay.add(one);
  };
  const loop = async (): Promise<void> => {
    const startedAtMs = performance.now();
    for (let i = 0; !stopping.signal.aborted; i++) {
      const waitMs = startedAtMs + (i * 1_000) / perSecond - performance.now();
      if (waitMs > 1) await sleep(waitMs, stopping.signal);
      // Decided whether or not there is room, so that the seed alone decides.
      const act = nextAct(payers, random, patient);
      if (underWay.size < UNDER_WAY_MAX) begin(act);
    }
    await Promise.all(underWay);
  };
  const ended = loop();
  return {
    orders,
    failedTries,
    acknowledged: () => orders.filter(({ told }) => told.some(isPaid)).length,
    stop: () => {
      stopping.abort();
      return ended;
    },
  };
}

export function isPaid(told: Told): told is Extract<Told, { kind: "paid" }> {
  return told.kind === "paid";
}

type Patient = (key: string, act: (key: string) => Promise<{ payment: string }>) => Promise<Told>;

/** Tries again what may be tried again, up to five times and with the same key. */
function retrier(failedTries: Map<string, number>, stopping: AbortSignal): Patient {
  return async (key, act) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return { kind: "paid", payment: (await act(key)).payment };
      } catch (error) {
        const { code, retryable } = failureOf(error);
        failedTries.set(code, (failedTries.get(code) ?? 0) + 1);
        if (!retryable || attempt > RETRIES_MAX) return { kind: "failed", code, retryable };
        // When all is over the last tries need not be patient, but they are made.
        await sleep(backoffMs(attempt + 2, { baseMs: 100, maxMs: 3_000 }), stopping);
      }
    }
  };
}

function failureOf(error: unknown): { code: string; retryable: boolean } {
  if (isClientError(error)) return error;
  const isTimeout = error instanceof DOMException && error.name === "TimeoutError";
  if (isTimeout) return { code: "TIMEOUT", retryable: true };
  throw error;
}

/** One of: money sent, money sent twice at once, too much sent, an invoice paid by one or two. */
function nextAct(payers: readonly Payer[], random: Seeded, patient: Patient) {
  const [payee, payer, rival] = random.shuffled(payers);
  if (payee === undefined || payer === undefined || rival === undefined) {
    throw new Error("It takes three people.");
  }
  const amount = String(random.between(1, AMOUNT_MAX_MINOR));
  const copies = random.chance(0.2) ? 2 : 1;
  const to = random.chance(0.5) ? { person: payee.person } : { email: payee.email };
  if (random.chance(0.3)) {
    const rivals = random.chance(0.5) ? [payer, rival] : [payer];
    return () => payInvoice({ payee, rivals, amount, copies }, patient);
  }
  const asked = random.chance(0.04) ? TOO_MUCH : amount;
  return async () => [await send({ payee, payer, amount: asked, copies, to }, patient)];
}

interface Sending {
  readonly payer: Payer;
  readonly payee: Payer;
  readonly amount: string;
  readonly copies: number;
  readonly to: { readonly person: string } | { readonly email: string };
}

async function send(sending: Sending, patient: Patient): Promise<Order> {
  const { payer, payee, amount, copies, to } = sending;
  const key = crypto.randomUUID();
  const once = (idempotencyKey: string) =>
    payer.payments.sendPayment({
      body: { to, amount, asset: "EUR" },
      idempotencyKey,
      signal: AbortSignal.timeout(TRY_MS_MAX),
    });
  const told = await Promise.all(Array.from({ length: copies }, () => patient(key, once)));
  return { key, payer: payer.person, payee: payee.person, amount, invoice: null, told };
}

interface Asking {
  readonly payee: Payer;
  readonly rivals: readonly Payer[];
  readonly amount: string;
  readonly copies: number;
}

async function payInvoice(asking: Asking, patient: Patient): Promise<Order[]> {
  const { payee, rivals, amount, copies } = asking;
  let invoiceId: string | null = null;
  await patient(crypto.randomUUID(), async (idempotencyKey) => {
    const body = { amount, asset: "EUR" };
    const signal = AbortSignal.timeout(TRY_MS_MAX);
    const { invoice } = await payee.payments.createInvoice({ body, idempotencyKey, signal });
    invoiceId = invoice;
    return { payment: invoice };
  });
  if (invoiceId === null) return [];
  const params = { invoiceId };
  return Promise.all(
    rivals.map(async (payer): Promise<Order> => {
      const key = crypto.randomUUID();
      const once = (idempotencyKey: string) => {
        const signal = AbortSignal.timeout(TRY_MS_MAX);
        return payer.payments.payInvoice({ params, body: {}, idempotencyKey, signal });
      };
      const told = await Promise.all(Array.from({ length: copies }, () => patient(key, once)));
      const people = { payer: payer.person, payee: payee.person };
      return { key, ...people, amount, invoice: params.invoiceId, told };
    }),
  );
}
