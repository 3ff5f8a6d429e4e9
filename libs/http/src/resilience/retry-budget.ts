/**
 * How much of what is sent to one upstream may be repetition. When an upstream is down, everybody
 * retries, and the retries keep it down; so they are paid for by calls: each call earns a tenth of a
 * retry. A small floor lets a quiet service retry at all.
 *
 *   tokens <- min(tokens + 0.1, TOKENS_MAX) for each call; also 0.3 a second while below the floor
 *   a retry takes one token, and is not made without
 *
 * So within any time t: retries <= TOKENS_MAX + 0.1 x calls + 0.3 x seconds.
 */
export interface BudgetState {
  readonly tokens: number;
  /** On the monotonic clock, in milliseconds. */
  readonly atMs: number;
}

export const RETRIES_PER_CALL = 0.1;
/** 3 retries in 10 s, however few calls there are. */
export const FLOOR_TOKENS = 3;
export const FLOOR_REFILL_PER_MS = 3 / 10_000;
/** What a busy time may leave for a bad one: the share of the last 300 calls. */
export const TOKENS_MAX = 30;

export class RetryBudget {
  readonly #now: () => number;
  #state: BudgetState;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#state = { tokens: FLOOR_TOKENS, atMs: now() };
  }

  /** A first attempt was made. */
  noteCall(): void {
    this.#state = earned(this.#state);
  }

  /** True when a retry may be made, which is paid for then. */
  take(): boolean {
    this.#state = refilled(this.#state, this.#now());
    if (this.#state.tokens < 1) return false;
    this.#state = { ...this.#state, tokens: this.#state.tokens - 1 };
    return true;
  }
}

function earned({ tokens, atMs }: BudgetState): BudgetState {
  return { tokens: Math.min(TOKENS_MAX, tokens + RETRIES_PER_CALL), atMs };
}

function refilled({ tokens, atMs }: BudgetState, nowMs: number): BudgetState {
  if (tokens >= FLOOR_TOKENS) return { tokens, atMs: nowMs };
  const gained = Math.max(0, nowMs - atMs) * FLOOR_REFILL_PER_MS;
  return { tokens: Math.min(FLOOR_TOKENS, tokens + gained), atMs: nowMs };
}
