/** When a service with due work is woken: pure. */

/** What was found in a service's `tideway_due`. */
export interface DueWork {
  /** Pieces of work that are overdue by more than OVERDUE_MS. */
  readonly overdue: number;
}

export interface WakeState {
  readonly isWaking: boolean;
  /** The last wake-up, on the monotonic clock; null when there was none. */
  readonly wokenAtMs: number | null;
}

/** A service that is awake does its work by itself; only what lies for so long needs the bus. */
export const OVERDUE_MS = 2_000;
/** A service is woken at most once in this time. */
export const WAKE_EVERY_MS = 5_000;

export const NEVER_WOKEN: WakeState = { isWaking: false, wokenAtMs: null };

/** Whether to wake now, and the state after that. */
export function wakeStep(
  state: WakeState,
  work: DueWork,
  nowMs: number,
): { readonly state: WakeState; readonly wakes: boolean } {
  const isRecent = state.wokenAtMs !== null && nowMs - state.wokenAtMs < WAKE_EVERY_MS;
  if (work.overdue === 0 || state.isWaking || isRecent) return { state, wakes: false };
  return { state: { isWaking: true, wokenAtMs: nowMs }, wakes: true };
}

/** The request is over, however it ended. */
export function woken(state: WakeState): WakeState {
  return { ...state, isWaking: false };
}
