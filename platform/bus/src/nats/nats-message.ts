/**
 * One event as a message: a line of JSON with its attributes, then the data as it was written. The
 * attributes are not headers, since a key may hold what a header must not (line breaks), and the
 * data is not wrapped once more, since it is by far the longest part.
 */
import type { OutboxEvent, StoredEvent } from "../carrier.ts";

/** Which opening of the log wrote the message: tells an echo of our own from a second writer. */
export const WRITER_HEADER = "Tideway-Writer";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Attributes {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly key: string;
  readonly at: string;
  readonly traceparent: string | null;
}

export function encodeEvent(event: OutboxEvent): Uint8Array {
  const attributes: Attributes = {
    id: event.eventId,
    source: event.source,
    type: event.type,
    key: event.key,
    at: event.at,
    traceparent: event.traceparent,
  };
  return encoder.encode(`${JSON.stringify(attributes)}\n${event.data}`);
}

/** The event of a message that `encodeEvent` made. */
export function decodeEvent(data: Uint8Array, partition: number, offset: number): StoredEvent {
  const text = decoder.decode(data);
  const end = text.indexOf("\n");
  // Only this file writes messages of the stream, and the fence refuses other writers.
  const { id, ...attributes } = JSON.parse(text.slice(0, end)) as Attributes;
  return { ...attributes, eventId: id, data: text.slice(end + 1), partition, offset };
}
