import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import type { SagaDetail } from "@tideway/api-admin";
import { Page } from "@tideway/ui";
import { sagaQuery } from "../../data/backbone-queries.ts";
import { useFailure } from "../../data/use-failure.ts";
import { isGivenUp, sagaName } from "../../domain/saga-words.ts";
import { Failure } from "../../parts/failure.tsx";
import { SagaHeader } from "./saga-header.tsx";
import { SagaProblem } from "./saga-problem.tsx";
import { Timeline } from "./timeline.tsx";
import { WayBack } from "./way-back.tsx";

/** One saga: where it stands, its steps in order, and what an operator may do. */
export function SagaScreen() {
  const { saga } = useParams({ from: "/sagas/$saga" });
  const { service } = useSearch({ from: "/sagas/$saga" });
  const detail = useQuery(sagaQuery(saga, service));
  const failure = useFailure(detail);
  const back = (
    <Link className="back small" to="/sagas">
      All sagas
    </Link>
  );
  if (detail.data === undefined) {
    return (
      <Page title="Saga" appName="Tideway console" back={back} titleHidden={failure === null}>
        {failure === null ? (
          <SagaSkeleton />
        ) : (
          <Failure error={failure} onRetry={() => void detail.refetch()} />
        )}
      </Page>
    );
  }
  return (
    <Page title={sagaName(detail.data.saga)} appName="Tideway console" back={back} titleHidden>
      <SagaBody detail={detail.data} />
    </Page>
  );
}

function SagaBody({ detail }: { readonly detail: SagaDetail }) {
  return (
    <>
      <SagaHeader detail={detail} />
      <SagaProblem detail={detail} />
      {isGivenUp(detail.saga) ? (
        <div className="ways">
          <Timeline detail={detail} />
          <WayBack detail={detail} />
        </div>
      ) : (
        <Timeline detail={detail} />
      )}
    </>
  );
}

function SagaSkeleton() {
  return (
    <section className="stack" aria-busy="true" aria-label="Loading">
      <Skeleton height={36} width="min(320px, 80%)" />
      <Skeleton height={16} width="min(560px, 100%)" />
      <Skeleton height={16} width="min(420px, 100%)" />
      <div className="timeline tw-card">
        {[48, 56, 40].map((width) => (
          <div className="timeline-step" key={width}>
            <Skeleton height={24} width={24} circle />
            <div className="stack">
              <Skeleton height={16} width={`${width}%`} />
              <Skeleton height={14} width={`${width - 16}%`} />
            </div>
          </div>
        ))}
      </div>
    </section>
  );
}
