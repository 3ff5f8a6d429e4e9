/** Rows of the log and of the parked events, as events. */
import type { StoredEvent } from "./carrier.ts";

export interface LogRow {
  readonly event_id: string;
  readonly partition: number;
  readonly place: string;
  readonly source: string;
  readonly type: string;
  readonly key: string;
  readonly data: string;
  readonly traceparent: string | null;
  readonly at: Date;
}

export function toStored(row: LogRow): StoredEvent {
  return {
    eventId: row.event_id,
    source: row.source,
    type: row.type,
    key: row.key,
    data: row.data,
    traceparent: row.traceparent,
    at: row.at.toISOString(),
    partition: row.partition,
    offset: Number(row.place),
  };
}
