/** Reading from a control that may be restarted meanwhile: it is back by itself within seconds. */
import { isCoded, sleep } from "@tideway/kernel";

const LOOK_EVERY_MS = 500;
/** Longer than this it is not coming back by itself. */
const SILENCE_MS_MAX = 30_000;

/** Asks again while nobody answers, for 30 s at most. `read` must change nothing. */
export async function patiently<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const endsAtMs = performance.now() + SILENCE_MS_MAX;
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!mayPass(error) || performance.now() > endsAtMs) throw error;
      await sleep(LOOK_EVERY_MS, signal);
      signal.throwIfAborted();
    }
  }
}

/** Whether the same question may be answered later. */
export function mayPass(error: unknown): boolean {
  return isCoded(error) && error.definition.retryable;
}
