/** After which offset of each partition a replay begins. */
import { bitsToUuid, parseId } from "@tideway/kernel";
import type { Carrier, StoredEvent } from "../carrier.ts";
import type { ReplayRequest } from "../config.ts";
import { busErrors } from "../errors.ts";
import { EVENT_PREFIX } from "../event-id.ts";
import { badQuery } from "./actions.ts";

/** A producer's clock and its database's may differ by so much, and a transaction take so long. */
const SEARCH_BEFORE_MS = 60_000;
const SEARCH_AFTER_MS = 600_000;
const PAGE_EVENTS = 500;
const PAGE_BYTES = 4 * 1_048_576;

/** Throws EVENT_NOT_IN_LOG for an event that is not there any more. */
export async function replayStart(
  carrier: Carrier,
  { from }: ReplayRequest,
): Promise<readonly number[]> {
  if (from === "beginning") return everywhere(carrier, () => Promise.resolve(0));
  if ("time" in from) {
    const atMs = Date.parse(from.time);
    if (Number.isNaN(atMs)) throw badQuery("from.time", "must be a time of RFC 3339");
    return everywhere(carrier, (partition) => carrier.offsetBefore(partition, atMs));
  }
  const event = await find(carrier, from.eventId);
  // The other partitions begin at the same moment.
  return everywhere(carrier, (partition) =>
    partition === event.partition
      ? Promise.resolve(event.offset - 1)
      : carrier.offsetBefore(partition, Date.parse(event.at)),
  );
}

/** By the moment its id begins with, as no carrier has an index over ids that we could ask. */
async function find(carrier: Carrier, eventId: string): Promise<StoredEvent> {
  const bits = parseId(EVENT_PREFIX, eventId);
  const uuid = bitsToUuid(bits);
  const madeMs = Number(bits >> 80n);
  for (let partition = 0; partition < carrier.partitions; partition++) {
    let after = await carrier.offsetBefore(partition, madeMs - SEARCH_BEFORE_MS);
    for (let isNear = true; isNear;) {
      const page = await carrier.read(partition, after, PAGE_EVENTS, PAGE_BYTES);
      const found = page.find((event) => event.eventId === uuid);
      if (found !== undefined) return found;
      const last = page.at(-1);
      isNear = last !== undefined && Date.parse(last.at) < madeMs + SEARCH_AFTER_MS;
      after = last?.offset ?? after;
    }
  }
  throw busErrors.error("EVENT_NOT_IN_LOG", { given: { event: eventId } });
}

function everywhere(
  carrier: Carrier,
  offsetOf: (partition: number) => Promise<number>,
): Promise<readonly number[]> {
  return Promise.all(Array.from({ length: carrier.partitions }, (_, index) => offsetOf(index)));
}
