/**
 * Appends of all relays, one at a time: what comes while one is under way goes together with the
 * next, so that many services share one wait for the disk.
 */
import type { Carrier, OutboxEvent, StoredEvent } from "../carrier.ts";

/**
 * Events of one append. A relay has one batch under way, so the queue holds one batch a service.
 */
const APPEND_EVENTS_MAX = 1_000;
/** Bytes of their data; a single batch goes whatever it has. */
export const APPEND_BYTES_MAX = 8 * 1_048_576;

export type Append = (events: readonly OutboxEvent[]) => Promise<readonly StoredEvent[]>;

interface Waiting {
  readonly events: readonly OutboxEvent[];
  readonly bytes: number;
  readonly resolve: (stored: readonly StoredEvent[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Joins appends that wait at the same time; each resolves with its own events, in its order. */
export function appendQueue(carrier: Pick<Carrier, "append">): Append {
  const queue: Waiting[] = [];
  let isBusy = false;
  const work = async (): Promise<void> => {
    isBusy = true;
    for (let group = take(queue); group.length > 0; group = take(queue)) {
      try {
        const stored = await carrier.append(group.flatMap(({ events }) => events));
        let from = 0;
        for (const { events, resolve } of group) {
          resolve(stored.slice(from, from + events.length));
          from += events.length;
        }
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    isBusy = false;
  };
  return (events) =>
    new Promise((resolve, reject) => {
      let bytes = 0;
      for (const { data } of events) bytes += Buffer.byteLength(data);
      queue.push({ events, bytes, resolve, reject });
      if (!isBusy) void work();
    });
}

function take(queue: Waiting[]): Waiting[] {
  let count = 0;
  let events = 0;
  let bytes = 0;
  for (const waiting of queue) {
    events += waiting.events.length;
    bytes += waiting.bytes;
    if (count > 0 && (events > APPEND_EVENTS_MAX || bytes > APPEND_BYTES_MAX)) break;
    count++;
  }
  return queue.splice(0, count);
}
