/** Every expected thing is there exactly once, in each place, and nothing else is. */
import { found } from "./violation.ts";
import type { Violation } from "./violation.ts";

export interface SetHistory {
  readonly expected: Iterable<string>;
  /** What each place has, every occurrence of it. */
  readonly places: ReadonlyMap<string, readonly string[]>;
}

export function checkSet(history: SetHistory): Violation[] {
  const expected = new Set(history.expected);
  const wrong: string[] = [];
  for (const [place, items] of history.places) {
    const counts = new Map<string, number>();
    for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
    for (const item of expected) {
      if (!counts.has(item)) wrong.push(`${item} is missing in ${place}`);
    }
    for (const [item, count] of counts) {
      if (count > 1) wrong.push(`${item} is ${count} times in ${place}`);
      if (!expected.has(item)) wrong.push(`${item} is in ${place} and should not exist`);
    }
  }
  return found("set", wrong);
}
