/**
 * What stands between this process and one service that it calls:
 *
 *   call -> circuit closed? -> a place (bulkhead) -> circuit closed still? -> one try -> answer
 *             | no              | none free within         |  failed: again, when it is safe,
 *             v                 v the time left            |  when there is time and budget
 *        UPSTREAM_UNAVAILABLE, 503, nothing was sent       +-> after a wait with jitter
 *
 * A call that meets an open circuit waits for it, 3 s at most and while it has time: nothing is sent
 * meanwhile, so it costs the upstream nothing, and a person whose payment meets a restart of the
 * gateway waits a moment instead of being refused.
 *
 * The bulkhead keeps one slow upstream from taking all connections and all memory; the circuit
 * keeps us from waiting for one that is down; the budget keeps us from holding it down.
 */
import { bulkhead } from "cockatiel";
import type { BulkheadPolicy } from "cockatiel";
import { ClientError } from "@tideway/client";
import { backoffMs, sleep } from "@tideway/kernel";
import { Breaker, CircuitOpen } from "./breaker.ts";
import type { CircuitName } from "./breaker.ts";
import { RetryBudget } from "./retry-budget.ts";

/** Calls to one upstream at once; all upstreams share the 128 connections of the process. */
export const CALLS_AT_ONCE_MAX = 64;
/** Calls that wait for a place. */
export const CALLS_WAITING_MAX = 256;
export const ATTEMPTS_MAX = 4;
/** How long a call waits for an open circuit to close, in milliseconds. */
export const CIRCUIT_WAIT_MS_MAX = 3_000;
/** Below this there is no point in another try. */
const TIME_LEFT_MIN_MS = 50;
/** A try that had less time than this says nothing of the upstream when its time was over. */
const TIME_COUNTS_FROM_MS = 500;
const RETRY_BASE_MS = 40;
const RETRY_MS_MAX = 500;
const NO_PLACE_RETRY_AFTER_MS = 1_000;
const RETRY_STATUSES: ReadonlySet<number> = new Set([502, 503]);
const FAILED_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/** The answer to one try. */
export interface Answer {
  readonly status: number;
  /** A refusal by which the upstream sheds load: it is up, and lets other classes in. */
  readonly isShedding: boolean;
  /** What it said in `retry-after`, in milliseconds. */
  readonly retryAfterMs: number;
}

export interface Attempt<A extends Answer> {
  /** Sends the request; what it throws means that no answer came. */
  readonly send: (leftMs: number) => Promise<A>;
  /** On the monotonic clock, in milliseconds. */
  readonly endsAtMs: number;
  /** Whether the same request twice does no more than once. */
  readonly isRepeatable: boolean;
  /** Fires when the caller does not wait any more. */
  readonly signal: AbortSignal | null;
}

export interface UpstreamOptions {
  readonly service: string;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
  readonly onCircuit?: (state: CircuitName) => void;
}

interface Tried<A> {
  readonly answer: A;
  readonly hadMs: number;
}

type Outcome<A> =
  | { readonly kind: "answered"; readonly answer: A }
  | { readonly kind: "lost"; readonly error: unknown }
  | {
      readonly kind: "not-sent";
      readonly error: Error;
      /** For an open circuit: when to look again, in milliseconds. */
      readonly opensInMs?: number;
    };

/** Nothing of the request left this process; the cause is what the caller is told. */
class NotSent extends Error {
  declare readonly cause: Error;

  constructor(cause: Error) {
    super("Nothing was sent.", { cause });
  }
}

/** No answer came to a try that was sent. */
class TryLost extends Error {
  /** True when that says nothing of the upstream. */
  readonly isNeutral: boolean;

  constructor(cause: unknown, isNeutral: boolean) {
    super("No answer came.", { cause });
    this.isNeutral = isNeutral;
  }
}

export class Upstream<A extends Answer> {
  readonly #service: string;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #budget: RetryBudget;
  readonly #breaker: Breaker<Tried<A>>;
  #awaitingCircuit = 0;
  readonly #bulkhead: BulkheadPolicy = bulkhead(CALLS_AT_ONCE_MAX, CALLS_WAITING_MAX);

  constructor(options: UpstreamOptions) {
    this.#service = options.service;
    this.#now = options.now ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
    this.#budget = new RetryBudget(this.#now);
    this.#breaker = new Breaker<Tried<A>>({
      now: this.#now,
      random: this.#random,
      isFailedResult: isFailure,
      isFailedError: (error) => error instanceof TryLost && !error.isNeutral,
      ...(options.onCircuit === undefined ? {} : { onChange: options.onCircuit }),
    });
  }

  get circuit(): CircuitName {
    return this.#breaker.state;
  }

  /**
   * The last answer, or throws what the last try that was sent threw. Where none was sent, throws a
   * ClientError UPSTREAM_UNAVAILABLE, or an Error when the time was over.
   */
  async call(attempt: Attempt<A>): Promise<A> {
    this.#budget.noteCall();
    let before: Outcome<A> | null = null;
    for (let tries = 1; ; tries++) {
      const outcome = await this.#tryWhenClosed(attempt);
      // What keeps another try from being sent is no answer to the one that was.
      if (outcome.kind === "not-sent") return settle(before ?? outcome);
      const waitMs = this.#waitBefore(outcome, tries);
      if (tries >= ATTEMPTS_MAX || !this.#mayRepeat(attempt, outcome, waitMs)) {
        return settle(outcome);
      }
      await sleep(waitMs, attempt.signal ?? undefined);
      if (attempt.signal?.aborted === true) return settle(outcome);
      before = outcome;
    }
  }

  /** As many wait for the circuit as may wait for a place. */
  async #tryWhenClosed(attempt: Attempt<A>): Promise<Outcome<A>> {
    const untilMs = Math.min(attempt.endsAtMs, this.#now() + CIRCUIT_WAIT_MS_MAX);
    for (;;) {
      const outcome = await this.#try(attempt);
      if (outcome.kind !== "not-sent" || outcome.opensInMs === undefined) return outcome;
      const leftMs = untilMs - this.#now() - outcome.opensInMs;
      if (leftMs < TIME_LEFT_MIN_MS || this.#awaitingCircuit >= CALLS_WAITING_MAX) return outcome;
      this.#awaitingCircuit++;
      await sleep(outcome.opensInMs, attempt.signal ?? undefined).finally(() => {
        this.#awaitingCircuit--;
      });
    }
  }

  #mayRepeat(attempt: Attempt<A>, outcome: Outcome<A>, waitMs: number): boolean {
    if (!attempt.isRepeatable || attempt.signal?.aborted === true) return false;
    if (outcome.kind === "answered" && !RETRY_STATUSES.has(outcome.answer.status)) return false;
    const leftMs = attempt.endsAtMs - this.#now() - waitMs;
    return leftMs >= TIME_LEFT_MIN_MS && this.#budget.take();
  }

  #waitBefore(outcome: Outcome<A>, tries: number): number {
    const limits = { baseMs: RETRY_BASE_MS, maxMs: RETRY_MS_MAX, random: this.#random };
    const jitterMs = backoffMs(tries, limits);
    const isShedding = outcome.kind === "answered" && outcome.answer.isShedding;
    return isShedding ? outcome.answer.retryAfterMs + jitterMs : jitterMs;
  }

  async #try(attempt: Attempt<A>): Promise<Outcome<A>> {
    try {
      if (attempt.signal?.aborted === true) throw new NotSent(new Error("The caller has left."));
      this.#breaker.check();
      const tried = await this.#inPlace(attempt, () =>
        this.#breaker.run(() => this.#send(attempt)),
      );
      return { kind: "answered", answer: tried.answer };
    } catch (error) {
      if (error instanceof TryLost) return { kind: "lost", error: error.cause };
      if (error instanceof CircuitOpen) {
        const { retryAfterMs } = error;
        const refusal = this.#unavailable(retryAfterMs, error);
        return { kind: "not-sent", error: refusal, opensInMs: retryAfterMs };
      }
      if (error instanceof NotSent) return { kind: "not-sent", error: error.cause };
      throw error;
    }
  }

  async #send(attempt: Attempt<A>): Promise<Tried<A>> {
    const hadMs = attempt.endsAtMs - this.#now();
    if (hadMs <= 0)
      throw new NotSent(new Error("The time was over before the call could be sent."));
    try {
      return { answer: await attempt.send(hadMs), hadMs };
    } catch (error) {
      const wasShort = hadMs < TIME_COUNTS_FROM_MS && isTimeout(error);
      throw new TryLost(error, wasShort || attempt.signal?.aborted === true);
    }
  }

  /** Runs it as soon as there is a place, or gives up waiting when the time is over. */
  #inPlace<T>(attempt: Attempt<A>, run: () => Promise<T>): Promise<T> {
    if (this.#bulkhead.executionSlots > 0) return this.#bulkhead.execute(run);
    if (this.#bulkhead.queueSlots === 0) throw this.#noPlace();
    const waiting = new AbortController();
    const { promise: givenUp, reject } = Promise.withResolvers<never>();
    const giveUp = (): void => {
      waiting.abort();
      reject(this.#noPlace());
    };
    const timer = setTimeout(giveUp, Math.max(0, attempt.endsAtMs - this.#now()));
    attempt.signal?.addEventListener("abort", giveUp, { once: true });
    const begin = (): Promise<T> => {
      clearTimeout(timer);
      attempt.signal?.removeEventListener("abort", giveUp);
      return run();
    };
    return Promise.race([this.#bulkhead.execute(begin, waiting.signal), givenUp]);
  }

  #noPlace(): Error {
    const problem = `${CALLS_AT_ONCE_MAX} calls are under way and ${CALLS_WAITING_MAX} wait`;
    return new NotSent(this.#unavailable(NO_PLACE_RETRY_AFTER_MS, new Error(problem)));
  }

  #unavailable(retryAfterMs: number, cause: Error): ClientError {
    return new ClientError(
      {
        code: "UPSTREAM_UNAVAILABLE",
        status: 503,
        retryable: true,
        title: `${this.#service} cannot answer just now.`,
        action: `Try again in ${retryAfterMs} ms; nothing was sent.`,
        given: { service: this.#service, retryAfterMs },
        traceId: null,
      },
      { cause },
    );
  }
}

function settle<A>(outcome: Outcome<A>): A {
  if (outcome.kind === "answered") return outcome.answer;
  throw outcome.error;
}

function isFailure({ answer, hadMs }: Tried<Answer>): boolean {
  if (!FAILED_STATUSES.has(answer.status) || answer.isShedding) return false;
  return answer.status !== 504 || hadMs >= TIME_COUNTS_FROM_MS;
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError";
}
