import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { EventGroup } from "@tideway/api-admin";
import { EmptyNote, Page, StateChip } from "@tideway/ui";
import { useState } from "react";
import { eventGroupsQuery } from "../../data/backbone-queries.ts";
import { useFailure } from "../../data/use-failure.ts";
import { useServerNow } from "../../data/use-now.ts";
import { GROUP_LOOKS, oldestWords, reasonWords } from "../../domain/event-words.ts";
import { count, moment } from "../../domain/format.ts";
import { CountedNote } from "../../parts/counted-note.tsx";
import { Failure } from "../../parts/failure.tsx";
import { ResultNote } from "../../parts/result-note.tsx";
import { TableSkeleton } from "../../parts/table-skeleton.tsx";
import { EventKeys } from "./event-keys.tsx";

/** One consuming service: how far it is, and the keys whose events wait. */
export function EventGroupScreen() {
  const { service } = useParams({ from: "/events/$service" });
  const groups = useQuery(eventGroupsQuery);
  const failure = useFailure(groups);
  const back = (
    <Link className="back small" to="/events">
      All consuming services
    </Link>
  );
  if (groups.data === undefined) {
    return (
      <Page title={`Events for ${service}`} appName="Tideway console" back={back}>
        {failure === null ? (
          <GroupSkeleton />
        ) : (
          <Failure error={failure} onRetry={() => void groups.refetch()} />
        )}
      </Page>
    );
  }
  const group = groups.data.find((one) => one.group === service);
  return (
    <Page
      title={`Events for ${service}`}
      appName="Tideway console"
      back={back}
      {...(group === undefined ? {} : { aside: <GroupState group={group} /> })}
    >
      {group === undefined ? <NoGroup service={service} /> : <GroupBody group={group} />}
    </Page>
  );
}

function GroupState({ group }: { readonly group: EventGroup }) {
  return (
    <StateChip {...GROUP_LOOKS[group.state]} shape="plain">
      {group.state}
    </StateChip>
  );
}

function GroupBody({ group }: { readonly group: EventGroup }) {
  const [result, setResult] = useState<string | null>(null);
  return (
    <>
      <ResultNote result={result} onDismiss={() => setResult(null)} />
      <Suspension group={group} />
      <section className="stack" aria-label="Numbers">
        <Figures group={group} />
        <CountedNote />
      </section>
      <EventKeys group={group} onResult={setResult} />
    </>
  );
}

function Suspension({ group }: { readonly group: EventGroup }) {
  const nowMs = useServerNow();
  if (group.state !== "suspended") return null;
  const since = group.since === null ? "" : ` since ${moment(Date.parse(group.since), nowMs)}`;
  return (
    <div className="tw-note" data-tone="bad">
      <p className="tw-note-title">Suspended{since}</p>
      <p>{group.reason === null ? "Most of its keys fail." : reasonWords(group.reason)}</p>
      <p>
        So many keys at once are a fault of the service rather than of its events: none is
        quarantined for it, no try is counted. A few events are tried from time to time, and
        everything goes on by itself once they succeed. Correct the service, or roll it back.
      </p>
      <p className="tw-note-facts">
        <Link to="/services/$service" params={{ service: group.group }} search={{ tab: "logs" }}>
          Logs of {group.group}
        </Link>
        <Link
          to="/services/$service"
          params={{ service: group.group }}
          search={{ tab: "revisions" }}
        >
          Its revisions
        </Link>
      </p>
    </div>
  );
}

function Figures({ group }: { readonly group: EventGroup }) {
  return (
    <dl className="figures">
      <Figure label="Waiting">{count(group.lag)}</Figure>
      <Figure label="Oldest">{oldestWords(group)}</Figure>
      <Figure label="Quarantined keys">{count(group.keysQuarantined)}</Figure>
      <Figure label="In flight">{count(group.inFlight)}</Figure>
      <Figure label="Applied">{count(group.appliedTotal)}</Figure>
      <Figure label="Failed tries">{count(group.failedTotal)}</Figure>
    </dl>
  );
}

function Figure({ label, children }: { readonly label: string; readonly children: string }) {
  return (
    <div className="figure tw-card">
      <dt>{label}</dt>
      <dd>
        <strong>{children}</strong>
      </dd>
    </div>
  );
}

function NoGroup({ service }: { readonly service: string }) {
  return (
    <div className="tw-card">
      <EmptyNote
        title={`${service} consumes no events`}
        action={<Link to="/events">Show those that do</Link>}
      >
        A service does once its released revision declares which types it consumes.
      </EmptyNote>
    </div>
  );
}

function GroupSkeleton() {
  return (
    <>
      <div className="figures" aria-hidden>
        {["waiting", "oldest", "quarantined", "in flight", "applied", "failed"].map((figure) => (
          <Skeleton key={figure} height={80} />
        ))}
      </div>
      <TableSkeleton rows={4} />
    </>
  );
}
