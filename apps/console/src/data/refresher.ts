/**
 * Fetches live data again: soon after something changed, and at least each few seconds. Changes
 * that arrive while a refresh runs are gathered into one more, so a busy platform costs two
 * refreshes a second at most and a slow answer is never cut short by the next.
 */
import { sleep } from "@tideway/kernel";

export interface RefresherOptions {
  readonly refresh: () => Promise<void>;
  readonly signal: AbortSignal;
  /** The longest time without a refresh; asked before each wait. */
  readonly recheckMs: () => number;
  readonly pauseMs?: number;
}

export interface Refresher {
  /** Something changed: refresh as soon as the pause allows. */
  changed(): void;
  /** Ends when the signal fires. */
  readonly done: Promise<void>;
}

const PAUSE_MS = 500;

export function startRefresher(options: RefresherOptions): Refresher {
  let wake = new AbortController();
  let isDue = false;
  const run = async (): Promise<void> => {
    while (!options.signal.aborted) {
      if (!isDue) await sleep(options.recheckMs(), AbortSignal.any([wake.signal, options.signal]));
      if (options.signal.aborted) return;
      isDue = false;
      wake = new AbortController();
      await options.refresh();
      await sleep(options.pauseMs ?? PAUSE_MS, options.signal);
    }
  };
  return {
    changed: () => {
      isDue = true;
      wake.abort();
    },
    done: run(),
  };
}
