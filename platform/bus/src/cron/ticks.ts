/** The moments of a cron expression: five fields, in UTC. */
import { Cron } from "croner";

export interface Ticks {
  /** The last tick at or before this moment; null when there is none. Milliseconds since 1970. */
  latest(expression: string, nowMs: number): number | null;
  /** The first tick after this moment; null when there is none. */
  next(expression: string, nowMs: number): number | null;
}

/** croner's ticks are whole seconds, and it looks strictly before the moment that it is given. */
const SECOND_MS = 1_000;

/** Remembers what it has read. Throws croner's TypeError or RangeError for no expression. */
export function cronTicks(): Ticks {
  const known = new Map<string, Cron>();
  const read = (expression: string): Cron => {
    const cron =
      known.get(expression) ??
      new Cron(expression, { timezone: "UTC", mode: "5-part", paused: true });
    known.set(expression, cron);
    return cron;
  };
  return {
    latest: (expression, nowMs) => {
      const after = Math.floor(nowMs / SECOND_MS) * SECOND_MS + SECOND_MS;
      return read(expression).previousRuns(1, new Date(after))[0]?.getTime() ?? null;
    },
    next: (expression, nowMs) => read(expression).nextRun(new Date(nowMs))?.getTime() ?? null,
  };
}
