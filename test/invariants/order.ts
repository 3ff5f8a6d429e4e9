/** Things of one key happened in the order of their positions, in each place. */
import { found } from "./violation.ts";
import type { Violation } from "./violation.ts";

export interface Applied {
  readonly place: string;
  readonly key: string;
  readonly position: number;
}

/** `applied` is in the order in which it happened. */
export function checkOrder(applied: Iterable<Applied>): Violation[] {
  const last = new Map<string, number>();
  const wrong: string[] = [];
  for (const { place, key, position } of applied) {
    const lane = `${place} ${key}`;
    const before = last.get(lane);
    if (before !== undefined && position <= before) {
      wrong.push(`${place}: ${position} of ${key} came after ${before}`);
    }
    last.set(lane, Math.max(position, before ?? position));
  }
  return found("order", wrong);
}
