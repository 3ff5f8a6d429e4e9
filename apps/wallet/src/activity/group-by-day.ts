/** Activity by the reader's calendar day, newest first. */
export interface DayGroup<T> {
  /** The day as yyyy-mm-dd in the reader's time zone. */
  readonly day: string;
  readonly items: readonly T[];
}

export interface GroupOptions<T> {
  readonly timeZone: string;
  readonly timestampOf: (item: T) => string;
}

/** Splits a list that is ordered by time into runs of one calendar day; the order is kept. */
export function groupByDay<T>(items: readonly T[], options: GroupOptions<T>): DayGroup<T>[] {
  const dayOf = calendarDay(options.timeZone);
  const groups: { day: string; items: T[] }[] = [];
  for (const item of items) {
    const day = dayOf(new Date(options.timestampOf(item)));
    const last = groups.at(-1);
    if (last?.day === day) last.items.push(item);
    else groups.push({ day, items: [item] });
  }
  return groups;
}

/** Which day it is there: today, the one before, or another. */
export function relativeDay(
  day: string,
  nowMs: number,
  timeZone: string,
): "today" | "yesterday" | "other" {
  const today = calendarDay(timeZone)(new Date(nowMs));
  if (day === today) return "today";
  // Counted on the calendar and not in hours, as a day may have 23 or 25 of them.
  const before = new Date(Date.parse(`${today}T00:00:00Z`) - 86_400_000);
  return day === before.toISOString().slice(0, 10) ? "yesterday" : "other";
}

function calendarDay(timeZone: string): (date: Date) => string {
  const format = new Intl.DateTimeFormat("en", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  return (date) => {
    const parts = new Map(format.formatToParts(date).map((part) => [part.type, part.value]));
    return `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}`;
  };
}
