/** Demo people who pay: signed up or signed in through identity, with demo money. */
import { identityApi } from "@tideway/api-identity";
import { paymentsApi } from "@tideway/api-payments";
import { createClient, isClientError } from "@tideway/client";
import type { ClientOf, FetchLike } from "@tideway/client";
import { backoffMs, sleep } from "@tideway/kernel";

export interface DemoPerson {
  readonly person: string;
  /** Signs in again when the token is about to end. */
  readonly token: () => Promise<string>;
}

export interface PeopleOptions {
  readonly publicUrl: string;
  readonly count: number;
  readonly signal: AbortSignal;
  /** How many sign in at once. */
  readonly concurrency?: number;
  readonly fetch?: FetchLike;
  readonly onProgress?: (done: number) => void;
}

const PASSWORD = "tideway-demo";
const CONCURRENCY = 4;
const ATTEMPTS_MAX = 5;
/** Tokens live ten minutes; they are renewed with this much left. */
const TOKEN_ROOM_MS = 60_000;

/** Signs `count` people in, each with demo money on the account. */
export async function signInPeople(options: PeopleOptions): Promise<DemoPerson[]> {
  const people: DemoPerson[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < options.count && !options.signal.aborted) {
      const index = next++;
      people[index] = await preparePerson(options, index);
      options.onProgress?.(people.filter(Boolean).length);
    }
  };
  const workers = Array.from({ length: options.concurrency ?? CONCURRENCY }, work);
  await Promise.all(workers);
  options.signal.throwIfAborted();
  return people;
}

async function preparePerson(options: PeopleOptions, index: number): Promise<DemoPerson> {
  const base = options.fetch === undefined ? {} : { fetch: options.fetch };
  const identity = createClient(identityApi, {
    baseUrl: `${options.publicUrl}/api/identity`,
    ...base,
  });
  const email = `payer-${String(index + 1).padStart(5, "0")}@tideway.example`;
  let session = await patiently(() => enter(identity, email, index), options.signal);
  const token = async (): Promise<string> => {
    if (Date.parse(session.expiresAt) - Date.now() < TOKEN_ROOM_MS) {
      session = await identity.signIn({ body: { email, password: PASSWORD } });
    }
    return session.accessToken;
  };
  const payments = createClient(paymentsApi, {
    baseUrl: `${options.publicUrl}/api/payments`,
    token,
    ...base,
  });
  const key = `top-up-${crypto.randomUUID()}`;
  await patiently(() => topUp(payments, key), options.signal);
  return { person: session.person.person, token };
}

async function enter(identity: ClientOf<typeof identityApi>, email: string, index: number) {
  try {
    return await identity.register({
      body: { email, password: PASSWORD, name: `Payer ${index + 1}` },
    });
  } catch (error) {
    if (!isClientError(error, "EMAIL_TAKEN")) throw error;
    return identity.signIn({ body: { email, password: PASSWORD } });
  }
}

async function topUp(payments: ClientOf<typeof paymentsApi>, key: string): Promise<void> {
  try {
    await payments.topUp({ body: {}, idempotencyKey: key });
  } catch (error) {
    if (!isClientError(error, "TOP_UP_LIMIT")) throw error;
  }
}

/** Preparing may be tried again; what is measured are the payments. */
async function patiently<T>(act: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      const mayPass = isClientError(error) && error.retryable;
      if (!mayPass || attempt >= ATTEMPTS_MAX || signal.aborted) throw error;
      await sleep(backoffMs(attempt, { baseMs: 200, maxMs: 2_000 }), signal);
    }
  }
}
