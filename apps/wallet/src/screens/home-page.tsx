import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { InfiniteData, UseInfiniteQueryResult, UseQueryResult } from "@tanstack/react-query";
import { EmptyNote, Page, SkeletonRows } from "@tideway/ui";
import { balancesQuery, paymentsQuery } from "../api/queries.ts";
import type { BalanceReply, PaymentPageReply } from "../api/queries.ts";
import { messages } from "../messages.ts";
import { ActivityDays } from "../parts/activity-days.tsx";
import { BalancePanel, BalanceSkeleton } from "../parts/balance-panel.tsx";
import { Failure } from "../parts/failure.tsx";
import { MoreButton } from "../parts/more-button.tsx";
import { StaleNote } from "../parts/stale-note.tsx";

const SKELETON_ROWS = 5;

/** Home: what one has, what one can do, what happened. */
export function HomePage() {
  const balances = useQuery(balancesQuery);
  const list = useInfiniteQuery(paymentsQuery);
  const nothing = balances.data === undefined && list.data === undefined;
  const retry = (): void => void Promise.all([balances.refetch(), list.refetch()]);
  return (
    <Page title={messages.home.title} titleHidden>
      {nothing && balances.isError && list.isError ? (
        <div className="w-narrow">
          <Failure error={balances.error} onRetry={retry} />
        </div>
      ) : (
        <div className="w-home">
          <Balances balances={balances} />
          <Activity list={list} />
        </div>
      )}
    </Page>
  );
}

interface BalancesProps {
  readonly balances: UseQueryResult<BalanceReply[]>;
}

function Balances({ balances }: BalancesProps) {
  const known = balances.data;
  return (
    <section className="w-home-balances" aria-label={messages.home.title}>
      {known === undefined && balances.isError ? (
        <Failure error={balances.error} onRetry={() => void balances.refetch()} />
      ) : null}
      {known === undefined && !balances.isError ? <BalanceSkeleton /> : null}
      {known === undefined ? null : <BalancePanel balances={known} />}
      {known === undefined ? null : <StaleNote query={balances} />}
    </section>
  );
}

interface ActivityProps {
  readonly list: UseInfiniteQueryResult<InfiniteData<PaymentPageReply>>;
}

function Activity({ list }: ActivityProps) {
  const items = list.data?.pages.flatMap((page) => page.items);
  return (
    <section className="w-activity" aria-labelledby="activity">
      <h2 id="activity" className="tw-hidden">
        {messages.home.activity}
      </h2>
      {items === undefined && list.isError ? (
        <Failure error={list.error} onRetry={() => void list.refetch()} />
      ) : null}
      {items === undefined && !list.isError ? (
        <div className="tw-card">
          <SkeletonRows rows={SKELETON_ROWS} />
        </div>
      ) : null}
      {items?.length === 0 ? (
        <div className="tw-card">
          <EmptyNote title={messages.home.emptyTitle}>{messages.home.emptyText}</EmptyNote>
        </div>
      ) : null}
      {items === undefined || items.length === 0 ? null : <ActivityDays payments={items} />}
      <MoreButton list={list} />
    </section>
  );
}
