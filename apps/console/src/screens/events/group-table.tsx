import { Link } from "@tanstack/react-router";
import type { EventGroup } from "@tideway/api-admin";
import { StateChip } from "@tideway/ui";
import { count } from "../../domain/format.ts";
import { GROUP_LOOKS, oldestWords } from "../../domain/event-words.ts";

/** A row a consuming service. */
export function GroupTable({ groups }: { readonly groups: readonly EventGroup[] }) {
  return (
    <div className="tw-card table-box">
      <table className="facts groups-table">
        <caption className="tw-hidden">
          Consuming services and what they still have to apply
        </caption>
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">State</th>
            <th scope="col" className="number">
              Waiting
            </th>
            <th scope="col" className="number">
              Oldest
            </th>
            <th scope="col" className="number">
              Quarantined keys
            </th>
            <th scope="col" className="number">
              In flight
            </th>
            <th scope="col" className="number">
              Applied
            </th>
            <th scope="col" className="number">
              Failed tries
            </th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <GroupRow key={group.group} group={group} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function GroupRow({ group }: { readonly group: EventGroup }) {
  const look = GROUP_LOOKS[group.state];
  return (
    <tr>
      <th scope="row">
        <Link to="/events/$service" params={{ service: group.group }}>
          {group.group}
        </Link>
      </th>
      <td className="wrap group-state">
        <span className="health">
          <StateChip {...look} shape="plain">
            {group.state}
          </StateChip>
          {group.reason === null ? null : <span className="tw-muted small">{group.reason}</span>}
        </span>
      </td>
      <td className="number" data-label="waiting">
        {count(group.lag)}
      </td>
      <td className="number" data-label="oldest" data-quiet={group.lag === 0}>
        {oldestWords(group)}
      </td>
      <td
        className="number"
        data-label="quarantined keys"
        data-tone={group.keysQuarantined > 0 ? "bad" : undefined}
      >
        {count(group.keysQuarantined)}
      </td>
      <td className="number" data-label="in flight">
        {count(group.inFlight)}
      </td>
      <td className="number" data-label="applied">
        {count(group.appliedTotal)}
      </td>
      <td className="number" data-label="failed tries">
        {count(group.failedTotal)}
      </td>
    </tr>
  );
}
