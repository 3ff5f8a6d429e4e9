/** Times in rows: milliseconds since 1970 in TypeScript, timestamptz in SQL. */
export function toDate(ms: number): Date {
  return new Date(ms);
}

export function toMs(date: Date): number {
  return date.getTime();
}

export function toMsOrNull(date: Date | null): number | null {
  return date === null ? null : date.getTime();
}
