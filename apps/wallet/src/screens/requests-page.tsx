import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "../navigation.tsx";
import { EmptyNote, MoneyText, Page, SkeletonRows } from "@tideway/ui";
import { invoicesQuery } from "../api/queries.ts";
import type { InvoiceReply } from "../api/queries.ts";
import { messages } from "../messages.ts";
import { BackLink } from "../parts/back-link.tsx";
import { Failure } from "../parts/failure.tsx";
import { MoreButton } from "../parts/more-button.tsx";
import { InvoiceChip } from "../parts/state-chips.tsx";
import { useTimes } from "../parts/use-times.ts";

const SKELETON_ROWS = 5;

/** The person's own requests, newest first. */
export function RequestsPage() {
  const list = useInfiniteQuery(invoicesQuery);
  const items = list.data?.pages.flatMap((page) => page.items);
  const make = (
    <Button renderRoot={(props) => <Link to="/request" {...props} />}>
      {messages.requests.make}
    </Button>
  );
  return (
    <div className="w-narrow">
      <Page
        title={messages.requests.title}
        back={<BackLink />}
        aside={items === undefined || items.length === 0 ? null : make}
      >
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
            <EmptyNote title={messages.requests.emptyTitle} action={make}>
              {messages.requests.emptyText}
            </EmptyNote>
          </div>
        ) : null}
        {items === undefined || items.length === 0 ? null : (
          <ul className="tw-card w-list">
            {items.map((invoice) => (
              <li key={invoice.invoice}>
                <RequestRow invoice={invoice} />
              </li>
            ))}
          </ul>
        )}
        <MoreButton list={list} />
      </Page>
    </div>
  );
}

function RequestRow({ invoice }: { readonly invoice: InvoiceReply }) {
  const times = useTimes();
  return (
    <Link to="/pay/$invoiceId" params={{ invoiceId: invoice.invoice }} className="tw-row w-row">
      <span className="tw-row-main">
        <span className="w-row-name">{invoice.note ?? messages.requests.noNote}</span>
        <span className="w-row-second">{times.dateTime(invoice.createdAt)}</span>
      </span>
      <span className="tw-row-side">
        <MoneyText {...invoice.money} />
        <span className="w-row-second">
          <InvoiceChip state={invoice.state} shape="plain" />
        </span>
      </span>
    </Link>
  );
}
