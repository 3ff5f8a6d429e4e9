/**
 * A circuit breaker for one upstream: cockatiel's, with four things settled for it.
 *
 *  - While the one probe of a half-open circuit is under way, other calls are refused at once;
 *    cockatiel lets them wait for its end, and their time would be over before the probe's.
 *  - A probe that was given up (its caller went away) proves nothing, so the circuit opens again;
 *    cockatiel would take it for a success.
 *  - A call that began before the circuit opened and fails while the probe is under way is late: it
 *    decides nothing. cockatiel would open the circuit again, and let a second probe out beside the
 *    first one.
 *  - Time is monotonic. cockatiel compares `Date.now()`, and a clock set back would keep a circuit
 *    open for as long. Its duration of the open state is asked for at each call, so it answers
 *    "none" or "for ever" by our own clock.
 */
import { CircuitState, CountBreaker, circuitBreaker, handleWhen } from "cockatiel";
import type { CircuitBreakerPolicy, IBreaker } from "cockatiel";

/** Opens when more than this part of the last CALLS_COUNTED calls failed, of at least CALLS_MIN. */
export const FAILED_PART_MAX = 0.5;
export const CALLS_COUNTED = 20;
export const CALLS_MIN = 10;
/** How long it stays open: doubling, and up to a quarter less, so that callers do not come at once. */
export const OPEN_MS_FIRST = 250;
export const OPEN_MS_MAX = 2_000;

export type CircuitName = "open" | "half-open" | "closed";

export interface BreakerOptions<T> {
  /** Whether what came back, or was thrown, is a failure of the upstream. */
  readonly isFailedResult: (result: T) => boolean;
  readonly isFailedError: (error: unknown) => boolean;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
  readonly onChange?: (state: CircuitName) => void;
}

/** Thrown instead of calling. */
export class CircuitOpen extends Error {
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super("The circuit is open.");
    this.name = "CircuitOpen";
    this.retryAfterMs = retryAfterMs;
  }
}

export class Breaker<T> {
  readonly #now: () => number;
  readonly #policy: CircuitBreakerPolicy;
  #openUntilMs = 0;

  constructor(options: BreakerOptions<T>) {
    this.#now = options.now;
    const random = options.random ?? Math.random;
    this.#policy = circuitBreaker(
      // The policy is only ever asked to run calls of this class, which answer a T.
      handleWhen((error) => options.isFailedError(error) || this.#isProbing()).orWhenResult(
        (result) => options.isFailedResult(result as T),
      ),
      {
        breaker: this.#counter(),
        halfOpenAfter: { next: () => this.#openFor(1, random) },
      },
    );
    this.#policy.onStateChange((state) => options.onChange?.(NAMES[state]));
  }

  /** Runs `call`, or throws CircuitOpen. */
  run(call: () => Promise<T>): Promise<T> {
    this.check();
    return this.#policy.execute(call);
  }

  /** Throws CircuitOpen when a call would be refused now. */
  check(): void {
    const { state } = this.#policy;
    if (state === CircuitState.Closed) return;
    const leftMs = this.#openUntilMs - this.#now();
    if (this.#isProbing() || leftMs > 0) {
      throw new CircuitOpen(Math.max(OPEN_MS_FIRST, Math.ceil(leftMs)));
    }
  }

  get state(): CircuitName {
    return NAMES[this.#policy.state];
  }

  #isProbing(): boolean {
    return this.#policy.state === CircuitState.HalfOpen;
  }

  /** Counts the calls of a closed circuit, and of those only the ones that ended while it was. */
  #counter(): IBreaker {
    const counted = new CountBreaker({
      threshold: FAILED_PART_MAX,
      size: CALLS_COUNTED,
      minimumNumberOfCalls: CALLS_MIN,
    });
    const isLate = (began: CircuitState): boolean =>
      began === CircuitState.Closed && this.#policy.state !== CircuitState.Closed;
    return {
      state: counted.state,
      success: (began) => {
        if (!isLate(began)) counted.success(began);
      },
      failure: (began) => !isLate(began) && counted.failure(began),
    };
  }

  /** cockatiel's backoff: asked for the next one each time it opens again after a probe. */
  #openFor(time: number, random: () => number): OpenPeriod {
    const fullMs = Math.min(OPEN_MS_MAX, OPEN_MS_FIRST * 2 ** (time - 1));
    const untilMs = this.#now() + fullMs * (1 - random() / 4);
    this.#openUntilMs = untilMs;
    const now = this.#now;
    return {
      get duration() {
        return now() >= untilMs ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
      },
      next: () => this.#openFor(time + 1, random),
    };
  }
}

interface OpenPeriod {
  readonly duration: number;
  next(): OpenPeriod;
}

const NAMES: Readonly<Record<CircuitState, CircuitName>> = {
  [CircuitState.Closed]: "closed",
  [CircuitState.HalfOpen]: "half-open",
  [CircuitState.Open]: "open",
  [CircuitState.Isolated]: "open",
};
