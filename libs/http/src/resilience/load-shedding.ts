/**
 * How much of each class is let in, decided from the delay of the event loop alone. Pure: a state,
 * one window's delay, the next state.
 *
 * Each class has a share that is let in and a delay that is too much for it, the lowest for what is
 * shed first. A window above it, the second in a row, multiplies the share; a window below half of
 * it adds to the share; in between it stays (the hysteresis). So the share settles near what the
 * process can do, where all or nothing would swing between idle and flooded. Rejected: limits of
 * concurrency (the gateway has them, per instance) and heap or CPU (neither says that anybody waits).
 */
import type { RoutePriority } from "@tideway/schema";

/** One window of measuring, in milliseconds. */
export const WINDOW_MS = 200;
/** The mean delay of a turn of the event loop, in milliseconds, above which a class is shed. */
export const DELAY_MS_MAX: Readonly<Record<RoutePriority, number>> = {
  batch: 70,
  read: 200,
  write: 500,
  // A hold that is neither confirmed nor cancelled is worse than any delay.
  settle: Number.POSITIVE_INFINITY,
};
/** Below this part of its limit a class comes back. */
export const CALM_PART = 0.5;
/** Windows in a row that must be too slow, so that one pause of the garbage collector is none. */
export const SLOW_WINDOWS_MIN = 2;
const SHARE_FACTOR_SLOW = 0.6;
const SHARE_STEP_CALM = 0.1;
/** Below it nothing at all is let in. */
const SHARE_MIN = 0.02;

export interface ClassLoad {
  /** Of its requests, the part that is let in: 0 to 1. */
  readonly share: number;
  readonly slowWindows: number;
}

export type LoadState = Readonly<Record<RoutePriority, ClassLoad>>;

const CALM: ClassLoad = { share: 1, slowWindows: 0 };

export const UNLOADED: LoadState = { batch: CALM, read: CALM, write: CALM, settle: CALM };

/** The state after one window with this mean delay. */
export function afterWindow(state: LoadState, delayMs: number): LoadState {
  return {
    batch: classAfter(state.batch, delayMs, DELAY_MS_MAX.batch),
    read: classAfter(state.read, delayMs, DELAY_MS_MAX.read),
    write: classAfter(state.write, delayMs, DELAY_MS_MAX.write),
    settle: CALM,
  };
}

function classAfter(load: ClassLoad, delayMs: number, limitMs: number): ClassLoad {
  if (delayMs > limitMs) {
    const slowWindows = Math.min(SLOW_WINDOWS_MIN, load.slowWindows + 1);
    if (slowWindows < SLOW_WINDOWS_MIN) return { ...load, slowWindows };
    const share = load.share * SHARE_FACTOR_SLOW;
    return { share: share < SHARE_MIN ? 0 : share, slowWindows };
  }
  if (delayMs > limitMs * CALM_PART) return { ...load, slowWindows: 0 };
  return { share: Math.min(1, load.share + SHARE_STEP_CALM), slowWindows: 0 };
}
