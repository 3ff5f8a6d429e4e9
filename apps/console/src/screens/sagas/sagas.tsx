import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { isClientError } from "@tideway/client";
import { EmptyNote, Page } from "@tideway/ui";
import { PAGES_MAX, SAGAS_OF_ALL_MAX, sagasOf, sagasQuery } from "../../data/backbone-queries.ts";
import type { SagaPage } from "../../data/backbone-queries.ts";
import { useFailure } from "../../data/use-failure.ts";
import type { SagasSearch } from "../../domain/search.ts";
import { Failure } from "../../parts/failure.tsx";
import { LoadMore } from "../../parts/load-more.tsx";
import { TableSkeleton } from "../../parts/table-skeleton.tsx";
import { SagaFilters } from "./saga-filters.tsx";
import { SagaTable } from "./saga-table.tsx";

/** Business movements across services, the newest first. */
export function SagasScreen() {
  const search = useSearch({ from: "/sagas" });
  return (
    <Page title="Sagas" appName="Tideway console">
      <SagaFilters />
      <SagaList key={JSON.stringify(search)} search={search} />
    </Page>
  );
}

function SagaList({ search }: { readonly search: SagasSearch }) {
  const list = useInfiniteQuery(sagasQuery(search));
  const failure = useFailure(list);
  if (list.data === undefined) {
    if (failure === null) return <TableSkeleton rows={8} />;
    if (isClientError(failure, "SAGAS_NOT_THERE", "SERVICE_UNKNOWN")) {
      return <NoSagasThere service={search.service ?? ""} />;
    }
    return <Failure error={failure} onRetry={() => void list.refetch()} />;
  }
  const { pages } = list.data;
  const sagas = sagasOf(pages, search);
  const isEnough = pages.length >= PAGES_MAX;
  return (
    <>
      <Unanswered pages={pages} />
      {sagas.length === 0 ? <Empty search={search} /> : <SagaTable sagas={sagas} />}
      {list.hasNextPage && !isEnough ? (
        <LoadMore
          what="older sagas"
          isLoading={list.isFetchingNextPage}
          onLoad={() => void list.fetchNextPage()}
        />
      ) : null}
      <ListEnd search={search} shown={sagas.length} isEnough={isEnough} />
    </>
  );
}

interface ListEndProps {
  readonly search: SagasSearch;
  readonly shown: number;
  readonly isEnough: boolean;
}

/** Why a list ends before everything was shown. */
function ListEnd({ search, shown, isEnough }: ListEndProps) {
  const isCut = search.service === undefined && shown >= SAGAS_OF_ALL_MAX;
  if (!isCut && !isEnough) return null;
  return (
    <p className="tw-muted small">
      The newest {shown.toLocaleString("en")} are shown.{" "}
      {isCut ? "Choose a service to see its older ones." : "Choose a state to see fewer."}
    </p>
  );
}

function Unanswered({ pages }: { readonly pages: readonly SagaPage[] }) {
  const unanswered = pages.at(-1)?.unanswered ?? [];
  if (unanswered.length === 0) return null;
  return (
    <div className="tw-note" data-tone="warn">
      {unanswered.map(({ service, code }) => (
        <p key={service}>
          <Link to="/services/$service" params={{ service }}>
            {service}
          </Link>{" "}
          did not answer, so its sagas are missing here. <code>{code}</code>
        </p>
      ))}
    </div>
  );
}

function Empty({ search }: { readonly search: SagasSearch }) {
  const isFiltered = Object.keys(search).length > 0;
  return (
    <div className="tw-card">
      {isFiltered ? (
        <EmptyNote
          title={search.attention === true ? "No saga needs attention" : "There is no such saga"}
          action={<Link to="/sagas">Show all sagas</Link>}
        >
          {search.attention === true
            ? "A saga comes here once a step of it failed 20 times in a row."
            : "None of the sagas that are kept fits the filters."}
        </EmptyNote>
      ) : (
        <EmptyNote title="No saga was begun yet">
          Each business movement across services appears here with its steps: a payment in the
          wallet is one.
        </EmptyNote>
      )}
    </div>
  );
}

function NoSagasThere({ service }: { readonly service: string }) {
  return (
    <div className="tw-card">
      <EmptyNote
        title={`${service} runs no sagas`}
        action={<Link to="/sagas">Show all sagas</Link>}
      >
        It may take part in those of others: they live with the service that began them.
      </EmptyNote>
    </div>
  );
}
