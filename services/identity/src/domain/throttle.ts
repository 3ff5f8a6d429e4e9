/**
 * How wrong passwords slow an account down. An attempt is counted before its password is looked
 * at and forgiven when it was right, so guesses sent at once get no more tries than guesses sent
 * one after another.
 */
export const FREE_FAILURES = 5;
const WAIT_BASE_MS = 5_000;
const WAIT_MAX_MS = 15 * 60_000;
/** A row this old is as good as none. */
export const FAILURES_FORGOTTEN_MS = 24 * 3_600_000;

export interface FailureRecord {
  readonly failures: number;
  readonly blockedUntilMs: number | null;
  readonly lastAtMs: number;
}

export type Attempt =
  | { readonly kind: "throttled"; readonly seconds: number }
  | { readonly kind: "allowed"; readonly record: FailureRecord };

/** Whether a password may be tried now, and the record that holds if it turns out to be wrong. */
export function admitAttempt(record: FailureRecord, nowMs: number): Attempt {
  if (record.blockedUntilMs !== null && record.blockedUntilMs > nowMs) {
    return { kind: "throttled", seconds: Math.ceil((record.blockedUntilMs - nowMs) / 1_000) };
  }
  const forgotten = nowMs - record.lastAtMs > FAILURES_FORGOTTEN_MS;
  const failures = (forgotten ? 0 : record.failures) + 1;
  const waitMs = waitAfterMs(failures);
  return {
    kind: "allowed",
    record: { failures, blockedUntilMs: waitMs === 0 ? null : nowMs + waitMs, lastAtMs: nowMs },
  };
}

/** The wait in milliseconds after so many wrong passwords in a row: 0, then 5 s, 10 s ... 15 min. */
export function waitAfterMs(failures: number): number {
  if (failures < FREE_FAILURES) return 0;
  return Math.min(WAIT_MAX_MS, WAIT_BASE_MS * 2 ** Math.min(failures - FREE_FAILURES, 20));
}
