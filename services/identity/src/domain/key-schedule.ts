/**
 * Signing keys follow each other without a gap. The next one is published a day before it signs,
 * so that whoever caches public keys knows it by then; an old one stays public until the last
 * token that it signed is over.
 */
export const ACCESS_VALID_MS = 600_000;
const SIGNS_MS = 30 * 86_400_000;
const PUBLISHED_AHEAD_MS = 86_400_000;
/** Room for clocks that differ. */
const VERIFY_SLACK_MS = 300_000;

export interface KeyTimes {
  readonly signsFromMs: number;
  readonly signsUntilMs: number;
  readonly verifiesUntilMs: number;
}

/** The times of the key to be made now, or null when there are keys enough. */
export function planNextKey(keys: readonly KeyTimes[], nowMs: number): KeyTimes | null {
  const coveredUntilMs = Math.max(nowMs, ...keys.map((key) => key.signsUntilMs));
  if (coveredUntilMs - nowMs > PUBLISHED_AHEAD_MS) return null;
  const signsUntilMs = coveredUntilMs + SIGNS_MS;
  return {
    signsFromMs: coveredUntilMs,
    signsUntilMs,
    verifiesUntilMs: signsUntilMs + ACCESS_VALID_MS + VERIFY_SLACK_MS,
  };
}

/** The key that signs now, if any. */
export function signingKeyAt<K extends KeyTimes>(keys: readonly K[], nowMs: number): K | undefined {
  return keys.find((key) => key.signsFromMs <= nowMs && nowMs < key.signsUntilMs);
}
