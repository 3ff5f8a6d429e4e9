import { Link } from "@tanstack/react-router";
import type { LoggedEvent } from "@tideway/api-admin";
import { CopyId } from "@tideway/ui";
import { useServerNow } from "../../data/use-now.ts";
import { producerOf } from "../../domain/event-words.ts";
import { bytes, moment, shortId } from "../../domain/format.ts";
import type { EventsSearch } from "../../domain/search.ts";

export interface LogTableProps {
  readonly events: readonly LoggedEvent[];
  readonly search: EventsSearch;
}

/** A row an event; its type and its key lead to all that share them. */
export function LogTable({ events, search }: LogTableProps) {
  const nowMs = useServerNow();
  return (
    <div className="tw-card table-box">
      <table className="facts event-log-table">
        <caption className="tw-hidden">Events in the log, the newest first</caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Type</th>
            <th scope="col">Key</th>
            <th scope="col">From</th>
            <th scope="col" className="number">
              Partition/offset
            </th>
            <th scope="col" className="number">
              Size
            </th>
            <th scope="col">Event</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <LogRow key={event.id} event={event} search={search} nowMs={nowMs} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface LogRowProps {
  readonly event: LoggedEvent;
  readonly search: EventsSearch;
  readonly nowMs: number;
}

function LogRow({ event, search, nowMs }: LogRowProps) {
  const { id, type, key, partition, offset, at } = event;
  return (
    <tr>
      <td className="tw-muted event-when">
        <time dateTime={at}>{moment(Date.parse(at), nowMs)}</time>
      </td>
      <th scope="row">
        <Link to="/events" search={{ ...search, type }} resetScroll={false}>
          {type}
        </Link>
      </th>
      <td className="event-key">
        <Link className="tw-mono" to="/events" search={{ ...search, key }} resetScroll={false}>
          {key}
        </Link>
      </td>
      <td data-label="from">{producerOf(event)}</td>
      <td className="number" data-label="at">
        {partition}/{offset}
      </td>
      <td className="number" data-label="size">
        {bytes(event.bytes)}
      </td>
      <td>
        <CopyId id={id} what="event" shown={shortId(id)} />
      </td>
    </tr>
  );
}
