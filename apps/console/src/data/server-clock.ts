/**
 * Control's clock as seen from this browser. Countdowns and ages compare control's times with
 * now, so a phone whose clock is wrong must not shift them.
 */
export interface ClockSample {
  /** What control said, milliseconds since 1970. */
  readonly serverMs: number;
  /** This browser's clock when the request left and when the answer came. */
  readonly sentMs: number;
  readonly receivedMs: number;
}

/** Below this a difference may as well be the network's. */
const SKEW_IGNORED_MS = 2_000;

/** How far control's clock is ahead of ours, in milliseconds; 0 when that cannot be told apart. */
export function skewOf(sample: ClockSample): number {
  const { serverMs, sentMs, receivedMs } = sample;
  // The answer was made somewhere between sending and receiving; only beyond is it a skew.
  if (serverMs < sentMs - SKEW_IGNORED_MS) return serverMs - sentMs;
  if (serverMs > receivedMs + SKEW_IGNORED_MS) return serverMs - receivedMs;
  return 0;
}

let skewMs = 0;

/** Remembers the newest sample; a time that cannot be read changes nothing. */
export function noteServerTime(timestamp: string, sentMs: number, receivedMs: number): void {
  const serverMs = Date.parse(timestamp);
  if (!Number.isNaN(serverMs)) skewMs = skewOf({ serverMs, sentMs, receivedMs });
}

/** Now by control's clock, milliseconds since 1970. */
export function serverNow(): number {
  return Date.now() + skewMs;
}

/** A moment of this browser's clock, told by control's. */
export function toServerTime(localMs: number): number {
  return localMs + skewMs;
}
