import { useLocale } from "@tideway/ui";
import { useMemo } from "react";
import { relativeDay } from "../activity/group-by-day.ts";
import { messages } from "../messages.ts";

export interface Times {
  readonly timeZone: string;
  /** 09:12 */
  readonly time: (timestamp: string | number) => string;
  /** 09:12:04, for timelines. */
  readonly exactTime: (timestamp: string) => string;
  /** Today, Yesterday, or the date. */
  readonly day: (day: string) => string;
  /** 20 Nov 2026, 09:12 */
  readonly dateTime: (timestamp: string) => string;
}

/** Times in the reader's zone and locale, on the 24-hour clock. */
export function useTimes(): Times {
  const locale = useLocale();
  return useMemo(() => timesOf(locale), [locale]);
}

function timesOf(locale: string): Times {
  const { timeZone } = new Intl.DateTimeFormat(locale).resolvedOptions();
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const date = { day: "numeric", month: "short", year: "numeric" } as const;
  const time = new Intl.DateTimeFormat(locale, clock);
  const exactTime = new Intl.DateTimeFormat(locale, { ...clock, second: "2-digit" });
  const dateTime = new Intl.DateTimeFormat(locale, { ...date, ...clock });
  // The day is already the reader's own, so it is spelled as if it were UTC.
  const day = new Intl.DateTimeFormat(locale, { ...date, weekday: "long", timeZone: "UTC" });
  return {
    timeZone,
    time: (timestamp) => time.format(new Date(timestamp)),
    exactTime: (timestamp) => exactTime.format(new Date(timestamp)),
    dateTime: (timestamp) => dateTime.format(new Date(timestamp)),
    day: (text) => {
      const relative = relativeDay(text, Date.now(), timeZone);
      return relative === "other" ? day.format(new Date(text)) : messages.home[relative];
    },
  };
}
