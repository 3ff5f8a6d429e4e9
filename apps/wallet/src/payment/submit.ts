/**
 * One money request, asked until it is clear what became of it. Every try carries the same
 * idempotency key, so that asking again can never pay twice.
 *
 *   refused  the service said no to this very key: nothing was moved
 *   unknown  some try got no clear answer, so the money may have moved: ask again by the same key
 *
 * No answer, and any answer of 500 and above, is unclear: the request may have been carried out
 * before the answer was lost. An answer from the gate (401, 403, 429) says nothing about a try that
 * came before it.
 */
import { isClientError } from "@tideway/client";
import { backoffMs, sleep } from "@tideway/kernel";

export const RETRIES_MAX = 3;
const BACKOFF = { baseMs: 500, maxMs: 4_000 } as const;

export type Outcome<T> =
  | { readonly kind: "done"; readonly reply: T }
  /** `final` means that this key is used up; otherwise the same request may be sent again. */
  | { readonly kind: "refused"; readonly error: unknown; readonly final: boolean }
  | { readonly kind: "unknown"; readonly error: unknown };

export interface SubmitOptions {
  /** True when an earlier round under this key ended without a clear answer. */
  readonly unclearBefore: boolean;
  /** Told before each further try, which counts from 1 to RETRIES_MAX. */
  readonly onRetry?: (retry: number) => void;
  readonly signal?: AbortSignal;
  /** Waits between tries, in milliseconds; tests do not. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

type Meaning = "unclear" | "not-now" | "no";

/** Sends once and retries at most RETRIES_MAX times; never throws. */
export async function submit<T>(
  send: () => Promise<T>,
  options: SubmitOptions,
): Promise<Outcome<T>> {
  const wait = options.wait ?? sleep;
  let unclear = options.unclearBefore;
  for (let retry = 0; ; retry++) {
    if (retry > 0) options.onRetry?.(retry);
    const result = await attempt(send);
    if (result.ok) return { kind: "done", reply: result.reply };
    const meaning = meaningOf(result.error);
    if (meaning === "no") return { kind: "refused", error: result.error, final: true };
    if (meaning === "unclear") unclear = true;
    if (!mayRetry(result.error) || retry === RETRIES_MAX || options.signal?.aborted === true) {
      if (unclear) return { kind: "unknown", error: result.error };
      return { kind: "refused", error: result.error, final: false };
    }
    await wait(backoffMs(retry + 1, BACKOFF), options.signal);
  }
}

type Attempt<T> = { ok: true; reply: T } | { ok: false; error: unknown };

async function attempt<T>(send: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, reply: await send() };
  } catch (error) {
    return { ok: false, error };
  }
}

function meaningOf(error: unknown): Meaning {
  if (!isClientError(error)) return "unclear";
  if (error.status < 400 || error.status >= 500) return "unclear";
  if (error.retryable || [401, 403, 408, 429].includes(error.status)) return "not-now";
  // The key is known with another body: what became of the first one is not said.
  return error.code === "IDEMPOTENCY_KEY_REUSED" ? "unclear" : "no";
}

function mayRetry(error: unknown): boolean {
  return isClientError(error) && (error.retryable || error.status === 0);
}
