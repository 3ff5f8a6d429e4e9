/** From the time of storing, which only grows, to the events' own, which may go back a little. */
import type { StoredEvent } from "../carrier.ts";

const PAGE_EVENTS = 500;
/** Beyond it the earlier offset is answered: a replay begins sooner than asked, never later. */
const PAGES_MAX = 20;

/**
 * The offset before the first event at or after `atMs`, given an offset `from` not above it.
 */
export async function offsetBefore(
  atMs: number,
  from: number,
  read: (after: number, limit: number) => Promise<readonly StoredEvent[]>,
): Promise<number> {
  let after = from;
  for (let page = 0; page < PAGES_MAX; page++) {
    const events = await read(after, PAGE_EVENTS);
    const first = events.find((event) => Date.parse(event.at) >= atMs);
    if (first !== undefined) return first.offset - 1;
    after = events.at(-1)?.offset ?? after;
    if (events.length < PAGE_EVENTS) return after;
  }
  return from;
}
