/**
 * Times in the ledger are whole microseconds since 1970, as PostgreSQL keeps them: rounding to
 * milliseconds would give two transfers of a busy account the same time.
 */
const MICROS_PER_SECOND = 1_000_000n;

/** RFC 3339 in UTC with microseconds. */
export function timestampOf(micros: bigint): string {
  const milliseconds = new Date(Number(micros / 1_000n)).toISOString().slice(0, -1);
  return `${milliseconds}${(micros % 1_000n).toString().padStart(3, "0")}Z`;
}

/** The moment `seconds` later. */
export function secondsLater(micros: bigint, seconds: number): bigint {
  return micros + BigInt(seconds) * MICROS_PER_SECOND;
}
