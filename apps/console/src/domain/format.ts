/**
 * How numbers and times are written. A value that was not measured is never written as a number:
 * null becomes `NOT_MEASURED`, so that an idle lane does not look like a perfect one.
 */
export const NOT_MEASURED = "no requests yet";

/** Keeps a number and its unit on one line. */
const NBSP = "\u00a0";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const oneDecimal = new Intl.NumberFormat("en", {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

/** A whole number with thousands apart: "1,204". */
export function count(value: number): string {
  return whole.format(value);
}

/** A share of 0 to 1 as percent, fine enough to tell small ones apart: "0.02 %", "12.5 %". */
export function ratePercent(share: number | null): string {
  if (share === null) return NOT_MEASURED;
  const percent = share * 100;
  if (percent === 0) return `0${NBSP}%`;
  if (percent < 0.01) return `<0.01${NBSP}%`;
  const digits = percent < 10 ? 2 : 1;
  return `${trimmed(percent, digits)}${NBSP}%`;
}

/** Percent points as the api gives weights: 25 becomes "25 %", 0.5 becomes "0.5 %". */
export function weightPercent(percent: number): string {
  return `${trimmed(percent, 1)}${NBSP}%`;
}

/** A measured share in percent points, always with one decimal: "24.9 %". */
export function sharePercent(percent: number | null): string {
  return percent === null ? NOT_MEASURED : `${oneDecimal.format(percent)}${NBSP}%`;
}

/** Milliseconds of latency: "0.4 ms", "41 ms", "1.2 s". */
export function latency(ms: number | null): string {
  if (ms === null) return NOT_MEASURED;
  if (ms >= 1_000) return `${oneDecimal.format(ms / 1_000)}${NBSP}s`;
  return ms < 1 && ms > 0 ? `${oneDecimal.format(ms)}${NBSP}ms` : `${whole.format(ms)}${NBSP}ms`;
}

/** Requests per second: "0", "0.4", "128". */
export function perSecond(rate: number): string {
  if (rate > 0 && rate < 0.05) return "<0.1";
  return rate < 10 ? trimmed(rate, 1) : whole.format(rate);
}

/** Memory in MiB, as operators compare it with their limits. */
export function memory(bytes: number | null): string {
  return bytes === null ? "not known" : `${whole.format(bytes / 1_048_576)}${NBSP}MiB`;
}

/** A length of time in its largest fitting unit: "12 s", "3 min", "2 h", "4 days". */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 90) return `${seconds}${NBSP}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes}${NBSP}min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours}${NBSP}h` : `${Math.round(hours / 24)}${NBSP}days`;
}

/** How long something took, fine where it was short: "<1 ms", "41 ms", "1.2 s", "3 min". */
export function elapsed(ms: number): string {
  if (ms < 1) return `<1${NBSP}ms`;
  return ms < 90_000 ? latency(ms) : duration(ms);
}

/** A size: "512 B", "1.2 KiB". */
export function bytes(size: number): string {
  return size < 1_024 ? `${whole.format(size)}${NBSP}B` : `${trimmed(size / 1_024, 1)}${NBSP}KiB`;
}

/** "1 key", "1,204 keys". */
export function counted(value: number, one: string, many: string): string {
  return `${whole.format(value)} ${value === 1 ? one : many}`;
}

/** A step's name within a sentence, where it would read as a word of it. */
export function quoted(name: string): string {
  return `\u201c${name}\u201d`;
}

/** The end of an id is what tells two apart; its beginning is the time. */
export function shortId(id: string): string {
  const [prefix, digits = ""] = id.split("_");
  return digits.length > 8 ? `${prefix}_\u2026${digits.slice(-6)}` : id;
}

/** How long ago `atMs` was, both in milliseconds since 1970. */
export function ago(atMs: number, nowMs: number): string {
  return `${duration(nowMs - atMs)} ago`;
}

const clock = (timeZone?: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    ...(timeZone === undefined ? {} : { timeZone }),
  });
const dayAndClock = (timeZone?: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    ...(timeZone === undefined ? {} : { timeZone }),
  });
const localClock = clock();
const localDayAndClock = dayAndClock();

/** "14:02:10" in the reader's zone, or in `timeZone`. */
export function clockTime(atMs: number, timeZone?: string): string {
  return (timeZone === undefined ? localClock : clock(timeZone)).format(atMs);
}

/** "14:02:10" for the last twelve hours, "19 Nov, 14:02" for what is older. */
export function moment(atMs: number, nowMs: number, timeZone?: string): string {
  if (Math.abs(nowMs - atMs) < 12 * 3_600_000) return clockTime(atMs, timeZone);
  return (timeZone === undefined ? localDayAndClock : dayAndClock(timeZone)).format(atMs);
}

/** The number of a revision id: "payments-7" is 7. Other texts come back whole. */
export function revisionNumber(revision: string): string {
  return /-([1-9][0-9]*)$/.exec(revision)?.[1] ?? revision;
}

/** Rounded to `digits` decimals, without zeros that say nothing: 25.0 becomes "25". */
function trimmed(value: number, digits: number): string {
  return new Intl.NumberFormat("en", { maximumFractionDigits: digits }).format(value);
}
