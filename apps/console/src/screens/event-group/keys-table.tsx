import { Link } from "@tanstack/react-router";
import type { EventGroup, EventKey } from "@tideway/api-admin";
import { CopyId, StateChip } from "@tideway/ui";
import { useServerNow } from "../../data/use-now.ts";
import { KEY_LOOKS, behindWords, nextTryWords } from "../../domain/event-words.ts";
import { count, moment, shortId } from "../../domain/format.ts";
import { ActionButton } from "../../parts/action-button.tsx";

export interface KeysTableProps {
  readonly group: EventGroup["state"];
  readonly keys: readonly EventKey[];
  readonly onRedrive: (key: EventKey) => void;
}

/** A row a key: what failed, who failed it, why, and how many events wait behind it. */
export function KeysTable({ keys, group, onRedrive }: KeysTableProps) {
  const nowMs = useServerNow();
  return (
    <div className="tw-card table-box">
      <table className="facts keys-table">
        <caption className="tw-hidden">Keys whose events wait</caption>
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">State</th>
            <th scope="col">Event that failed</th>
            <th scope="col">Why</th>
            <th scope="col" className="number">
              Tries
            </th>
            <th scope="col" className="number">
              Behind it
            </th>
            <th scope="col" className="number">
              Next try
            </th>
            <th scope="col">
              <span className="tw-hidden">Act</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <KeyRow
              key={`${key.key} ${key.eventId}`}
              waiting={key}
              group={group}
              nowMs={nowMs}
              onRedrive={onRedrive}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface KeyRowProps {
  readonly group: EventGroup["state"];
  readonly waiting: EventKey;
  readonly nowMs: number;
  readonly onRedrive: (key: EventKey) => void;
}

function KeyRow({ waiting, group, nowMs, onRedrive }: KeyRowProps) {
  const { key, state, eventId, type, code, detail, revision, tries, since } = waiting;
  return (
    <tr>
      <th scope="row" className="event-key">
        <Link className="tw-mono" to="/events" search={{ key }}>
          {key}
        </Link>
      </th>
      <td>
        <StateChip {...KEY_LOOKS[state]} shape="plain">
          {state}
        </StateChip>
      </td>
      <td className="key-event">
        <span>{type}</span>
        <CopyId id={eventId} what="event" shown={shortId(eventId)} />
      </td>
      <td className="wrap key-why">
        <code>{code}</code> {detail}
        <span className="tw-muted small key-since">
          by {revision}, since {moment(Date.parse(since), nowMs)}
        </span>
      </td>
      <td className="number" data-label="tries">
        {count(tries)}
      </td>
      <td className="number" data-label="behind it">
        {behindWords(waiting)}
      </td>
      <td className="number" data-label="next try">
        {nextTryWords(waiting, group, nowMs)}
      </td>
      <td className="row-act">
        <ActionButton
          label="Deliver again"
          says={`Deliver again: ${key}`}
          refusal={null}
          size="compact-sm"
          onClick={() => onRedrive(waiting)}
        />
      </td>
    </tr>
  );
}
