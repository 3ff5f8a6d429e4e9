import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { LoggedEvent } from "@tideway/api-admin";
import { EmptyNote } from "@tideway/ui";
import { PAGES_MAX, eventLogQuery } from "../../data/backbone-queries.ts";
import { useFailure } from "../../data/use-failure.ts";
import { count } from "../../domain/format.ts";
import { readEventsSearch } from "../../domain/search.ts";
import type { EventsSearch } from "../../domain/search.ts";
import { ExactField } from "../../parts/exact-field.tsx";
import { Failure } from "../../parts/failure.tsx";
import { LoadMore } from "../../parts/load-more.tsx";
import { TableSkeleton } from "../../parts/table-skeleton.tsx";
import { LogTable } from "./log-table.tsx";

/** Every event in the log, the newest first, without what it carries. */
export function EventLog() {
  const search = useSearch({ from: "/events" });
  return (
    <section className="stack">
      <div className="log-head">
        <h2>Log</h2>
        <LogFilters search={search} />
      </div>
      <LogBody key={JSON.stringify(search)} search={search} />
    </section>
  );
}

function LogFilters({ search }: { readonly search: EventsSearch }) {
  const navigate = useNavigate({ from: "/events" });
  const change = (part: EventsSearch): void => {
    const next = readEventsSearch({ ...search, ...part });
    void navigate({ search: next, replace: true, resetScroll: false });
  };
  return (
    <search className="filters" aria-label="Filter the log">
      <ExactField
        label="Type"
        placeholder="Exact type  ( / )"
        value={search.type ?? ""}
        onSet={(type) => change({ type })}
      />
      <ExactField
        label="Key"
        placeholder="Exact key"
        value={search.key ?? ""}
        onSet={(key) => change({ key })}
      />
    </search>
  );
}

function LogBody({ search }: { readonly search: EventsSearch }) {
  const log = useInfiniteQuery(eventLogQuery(search));
  const failure = useFailure(log);
  if (log.data === undefined) {
    if (failure === null) return <TableSkeleton rows={6} />;
    return <Failure error={failure} onRetry={() => void log.refetch()} />;
  }
  const { pages } = log.data;
  const events: LoggedEvent[] = pages.flatMap(({ items }) => items);
  const mayGoOn = log.hasNextPage && pages.length < PAGES_MAX;
  return (
    <>
      {events.length === 0 ? (
        <NoEvents search={search} isSearching={mayGoOn} />
      ) : (
        <LogTable events={events} search={search} />
      )}
      {mayGoOn ? (
        <LoadMore
          what="older events"
          isLoading={log.isFetchingNextPage}
          onLoad={() => void log.fetchNextPage()}
        />
      ) : null}
      {log.hasNextPage && !mayGoOn ? (
        <p className="tw-muted small">
          The newest {count(events.length)} are shown. Filter by type or key to see older ones.
        </p>
      ) : null}
    </>
  );
}

interface NoEventsProps {
  readonly search: EventsSearch;
  /** The log was searched in part only. */
  readonly isSearching: boolean;
}

function NoEvents({ search, isSearching }: NoEventsProps) {
  if (search.type === undefined && search.key === undefined) {
    return (
      <div className="tw-card">
        <EmptyNote title="No event was published yet">
          What happens in one service and concerns others appears here: a payment makes the first.
        </EmptyNote>
      </div>
    );
  }
  return (
    <div className="tw-card">
      <EmptyNote
        title={isSearching ? "None among the newest events" : "The log has no such event"}
        action={
          <Link to="/events" resetScroll={false}>
            Show all events
          </Link>
        }
      >
        Type and key are compared as a whole: ledger.transfer.posted.v1, not ledger. Events are kept
        for a week.
      </EmptyNote>
    </div>
  );
}
