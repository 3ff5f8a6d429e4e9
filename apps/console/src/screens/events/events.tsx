import { useQuery } from "@tanstack/react-query";
import { EmptyNote, Page } from "@tideway/ui";
import { eventGroupsQuery } from "../../data/backbone-queries.ts";
import { Failure } from "../../parts/failure.tsx";
import { TableSkeleton } from "../../parts/table-skeleton.tsx";
import { EventLog } from "./event-log.tsx";
import { useFailure } from "../../data/use-failure.ts";
import { gravestFirst } from "../../domain/event-words.ts";
import { CountedNote } from "../../parts/counted-note.tsx";
import { GroupTable } from "./group-table.tsx";

/** What each consuming service still has to apply, and below it the log of all events. */
export function EventsScreen() {
  return (
    <Page title="Events" appName="Tideway console">
      <Groups />
      <EventLog />
    </Page>
  );
}

function Groups() {
  const groups = useQuery(eventGroupsQuery);
  const failure = useFailure(groups);
  if (groups.data === undefined) {
    if (failure === null) return <TableSkeleton rows={3} />;
    return <Failure error={failure} onRetry={() => void groups.refetch()} />;
  }
  if (groups.data.length === 0) {
    return (
      <div className="tw-card">
        <EmptyNote title="No service consumes events yet">
          One appears here once a revision is released whose declaration consumes an event type.
        </EmptyNote>
      </div>
    );
  }
  return (
    <section className="stack">
      <GroupTable groups={gravestFirst(groups.data)} />
      <CountedNote />
    </section>
  );
}
