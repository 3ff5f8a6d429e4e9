import { NativeSelect } from "@mantine/core";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { EventGroup, EventKey } from "@tideway/api-admin";
import { EmptyNote } from "@tideway/ui";
import { useState } from "react";
import { admin } from "../../data/admin.ts";
import { PAGES_MAX, eventKeysQuery, refreshAll } from "../../data/backbone-queries.ts";
import { useFailure } from "../../data/use-failure.ts";
import {
  redriveAllConfirmation,
  redriveKeyConfirmation,
  redriveResult,
} from "../../domain/event-words.ts";
import { KEY_STATES, readEventGroupSearch } from "../../domain/search.ts";
import type { KeyStateName } from "../../domain/search.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { Failure } from "../../parts/failure.tsx";
import { LoadMore } from "../../parts/load-more.tsx";
import { TableSkeleton } from "../../parts/table-skeleton.tsx";
import { KeysTable } from "./keys-table.tsx";

export interface EventKeysProps {
  readonly group: EventGroup;
  /** Told what became of an act, in a sentence. */
  readonly onResult: (words: string) => void;
}

/** Keys that wait because one of their events failed; one of them or all may be delivered again. */
export function EventKeys({ group, onResult }: EventKeysProps) {
  const client = useQueryClient();
  const { state } = useSearch({ from: "/events/$service" });
  const [asked, setAsked] = useState<EventKey | "all" | null>(null);
  const run = async (): Promise<void> => {
    if (asked === null) return;
    const params = { service: group.group };
    const body = asked === "all" ? {} : { key: asked.key };
    const { keys } = await admin.redriveEvents({ params, body });
    onResult(redriveResult(group.group, keys));
    await refreshAll(client);
  };
  return (
    <section className="stack">
      <div className="log-head">
        <h2>Keys that wait</h2>
        <div className="filters">
          <StateFilter />
          <ActionButton
            label="Deliver all again"
            refusal={group.keysQuarantined > 0 ? null : "No key is quarantined, so none has to be."}
            onClick={() => setAsked("all")}
          />
        </div>
      </div>
      <KeyList key={state} group={group} onRedrive={setAsked} />
      <ConfirmDialog
        confirmation={confirmationOf(group, asked)}
        onClose={() => setAsked(null)}
        run={run}
      />
    </section>
  );
}

function confirmationOf(group: EventGroup, asked: EventKey | "all" | null) {
  if (asked === null) return null;
  if (asked === "all") return redriveAllConfirmation(group.group, group.keysQuarantined);
  return redriveKeyConfirmation(asked);
}

function StateFilter() {
  const search = useSearch({ from: "/events/$service" });
  const navigate = useNavigate({ from: "/events/$service" });
  return (
    <NativeSelect
      data-filter
      aria-label="State"
      value={search.state ?? ""}
      data={[{ value: "", label: "Any state" }, ...KEY_STATES]}
      onChange={(event) => {
        const next = readEventGroupSearch({ state: event.currentTarget.value });
        void navigate({ search: next, replace: true, resetScroll: false });
      }}
    />
  );
}

interface KeyListProps {
  readonly group: EventGroup;
  readonly onRedrive: (key: EventKey) => void;
}

function KeyList({ group, onRedrive }: KeyListProps) {
  const search = useSearch({ from: "/events/$service" });
  const list = useInfiniteQuery(eventKeysQuery(group.group, search));
  const failure = useFailure(list);
  if (list.data === undefined) {
    if (failure === null) return <TableSkeleton rows={4} />;
    return <Failure error={failure} onRetry={() => void list.refetch()} />;
  }
  const { pages } = list.data;
  const keys = pages.flatMap(({ items }) => items);
  if (keys.length === 0) return <NoKeys service={group.group} state={search.state} />;
  return (
    <>
      <KeysTable keys={keys} group={group.state} onRedrive={onRedrive} />
      {list.hasNextPage && pages.length < PAGES_MAX ? (
        <LoadMore
          what="more keys"
          isLoading={list.isFetchingNextPage}
          onLoad={() => void list.fetchNextPage()}
        />
      ) : null}
    </>
  );
}

interface NoKeysProps {
  readonly service: string;
  readonly state: KeyStateName | undefined;
}

function NoKeys({ service, state }: NoKeysProps) {
  const title = state === undefined ? "No key waits" : `No key is ${state}`;
  return (
    <div className="tw-card">
      <EmptyNote title={title}>
        When {service} fails an event, its key comes here: it is tried 8 times in 10 minutes, then
        quarantined. Other keys flow meanwhile.
      </EmptyNote>
    </div>
  );
}
