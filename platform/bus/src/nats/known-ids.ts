/**
 * Ids that are in the log of one partition since some moment, for events older than the server's
 * own memory of ids. Read from the log once and then kept up to date from where it was read to, so
 * that a long backlog costs one pass over what was appended meanwhile, not one pass a batch.
 */
import type { OutboxEvent, StoredEvent } from "../carrier.ts";

type Find = (atMs: number) => Promise<number>;
type Read = (after: number, limit: number) => Promise<readonly StoredEvent[]>;

/** Of some 150 bytes each. Beyond it the oldest are forgotten: their rows were taken first. */
const IDS_MAX = 500_000;
const PAGE_EVENTS = 512;
/** Without an old event for so long, everything is forgotten. */
const UNUSED_MS_MAX = 60_000;

export class KnownIds {
  #fromMs = Number.POSITIVE_INFINITY;
  #readTo = 0;
  #usedAtMs = 0;
  readonly #offsets = new Map<string, number>();

  /** Makes sure that it knows every id stored from `fromMs` (milliseconds since 1970) until now. */
  async cover(
    { fromMs, nowMs }: { readonly fromMs: number; readonly nowMs: number },
    find: Find,
    read: Read,
  ): Promise<void> {
    this.#usedAtMs = nowMs;
    if (fromMs < this.#fromMs) {
      this.#forget();
      this.#readTo = await find(fromMs);
      this.#fromMs = fromMs;
    }
    for (;;) {
      const page = await read(this.#readTo, PAGE_EVENTS);
      for (const event of page) this.#add(event);
      if (page.length < PAGE_EVENTS) return;
    }
  }

  /** The known ones of these, with their offsets. */
  *among(events: readonly OutboxEvent[]): Generator<[string, number]> {
    for (const { eventId } of events) {
      const offset = this.#offsets.get(eventId);
      if (offset !== undefined) yield [eventId, offset];
    }
  }

  forgetUnused(nowMs: number): void {
    if (nowMs - this.#usedAtMs >= UNUSED_MS_MAX) this.#forget();
  }

  #forget(): void {
    this.#offsets.clear();
    this.#fromMs = Number.POSITIVE_INFINITY;
  }

  #add(event: StoredEvent): void {
    this.#readTo = event.offset;
    this.#offsets.set(event.eventId, event.offset);
    if (this.#offsets.size <= IDS_MAX) return;
    // A Map keeps the order in which its keys came.
    for (const oldest of this.#offsets.keys()) {
      this.#offsets.delete(oldest);
      break;
    }
  }
}
