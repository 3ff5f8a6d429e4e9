/**
 * The log for operators, the newest first: merged over the partitions, read backwards in pieces.
 */
import { partitionOfKey } from "../partition.ts";
import type { Carrier, StoredEvent } from "../carrier.ts";
import type { LoggedEvent } from "../config.ts";
import { eventIdOf } from "../event-id.ts";
import { badQuery } from "./actions.ts";
import type { Page } from "./actions.ts";

export interface EventsQuery {
  readonly type: string | null;
  readonly key: string | null;
  /** `next` of the page before. */
  readonly after: string | null;
  readonly limit: number;
}

const PIECE_EVENTS = 200;
/** Pieces of all partitions for one page; a sparse search goes on with `next`. */
const PIECES_MAX = 80;

export async function listEvents(carrier: Carrier, query: EventsQuery): Promise<Page<LoggedEvent>> {
  const before = query.after === null ? await ends(carrier) : readCursor(query.after, carrier);
  const only = query.key === null ? null : partitionOfKey(query.key, carrier.partitions);
  const stacks = before.map(
    (end, partition) =>
      new Backwards(carrier, partition, only === null || only === partition ? end : 1, query),
  );
  const items: LoggedEvent[] = [];
  for (let pieces = 0; items.length < query.limit && pieces < PIECES_MAX;) {
    for (const stack of stacks) if (await stack.fill()) pieces++;
    const newest = stacks.reduce<Backwards | null>((best, stack) => {
      if (stack.top === null) return best;
      return best === null || best.top === null || stack.top.at > best.top.at ? stack : best;
    }, null);
    if (newest === null && stacks.every(({ isOver }) => isOver)) return { items, next: null };
    const event = newest?.pop();
    if (event !== undefined) items.push(event);
  }
  return { items, next: stacks.map(({ before }) => before).join(".") };
}

/** A partition from its end to its beginning, only what the query asks for. */
class Backwards {
  /** Everything from this offset on was given out or passed over. */
  before: number;
  readonly #carrier: Carrier;
  readonly #partition: number;
  readonly #query: EventsQuery;
  /** The lowest offset that was read. */
  #readFrom: number;
  /** Without their data: pieces of all partitions are held at once. */
  #found: LoggedEvent[] = [];

  constructor(carrier: Carrier, partition: number, before: number, query: EventsQuery) {
    this.#carrier = carrier;
    this.#partition = partition;
    this.#query = query;
    this.before = before;
    this.#readFrom = before;
  }

  get top(): LoggedEvent | null {
    return this.#found.at(-1) ?? null;
  }

  get isOver(): boolean {
    return this.#found.length === 0 && this.#readFrom <= 1;
  }

  /** Reads the piece before when nothing is left; answers whether it read. */
  async fill(): Promise<boolean> {
    if (this.#found.length > 0 || this.#readFrom <= 1) return false;
    const after = Math.max(0, this.#readFrom - 1 - PIECE_EVENTS);
    const piece = await this.#carrier.read(this.#partition, after, PIECE_EVENTS);
    const found = piece.filter(
      (event) =>
        event.offset < this.#readFrom &&
        (this.#query.type === null || event.type === this.#query.type) &&
        (this.#query.key === null || event.key === this.#query.key),
    );
    this.#found = found.map(toLogged);
    this.#readFrom = after + 1;
    if (this.#found.length === 0) this.before = this.#readFrom;
    return true;
  }

  pop(): LoggedEvent | undefined {
    const event = this.#found.pop();
    if (event !== undefined) this.before = event.offset;
    if (this.#found.length === 0) this.before = this.#readFrom;
    return event;
  }
}

async function ends(carrier: Carrier): Promise<readonly number[]> {
  return (await carrier.heads()).map((head) => head + 1);
}

function readCursor(text: string, carrier: Carrier): readonly number[] {
  const parts = text.split(".").map(Number);
  const isGood = parts.every((part) => Number.isSafeInteger(part) && part >= 0);
  if (!isGood || parts.length !== carrier.partitions) {
    throw badQuery("after", "must be `next` of the page before");
  }
  return parts;
}

function toLogged(event: StoredEvent): LoggedEvent {
  const { type, key, source, partition, offset, at, data } = event;
  const id = eventIdOf(event.eventId);
  return { id, type, key, source, partition, offset, at, bytes: Buffer.byteLength(data) };
}
