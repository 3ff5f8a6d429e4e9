import { useSyncExternalStore } from "react";
import { toServerTime } from "./server-clock.ts";

const TICK_MS = 1_000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let tickAtMs = Date.now();

/** Now by this browser's clock, in milliseconds since 1970; renders again each second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => tickAtMs);
}

/** Now by control's clock, for its times; renders again each second. */
export function useServerNow(): number {
  const localMs = useNow();
  return toServerTime(localMs);
}

/** One timer for the whole page, and none while nobody looks. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    tickAtMs = Date.now();
    timer = setInterval(tick, TICK_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function tick(): void {
  tickAtMs = Date.now();
  for (const listener of listeners) listener();
}
