import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Page } from "@tideway/ui";
import { invoiceQuery } from "../api/queries.ts";
import { messages } from "../messages.ts";
import { BackLink } from "../parts/back-link.tsx";
import { Failure } from "../parts/failure.tsx";
import { OwnInvoice } from "../parts/own-invoice.tsx";
import { PayInvoice } from "../parts/pay-invoice.tsx";
import { InvoiceChip } from "../parts/state-chips.tsx";
import { StaleNote } from "../parts/stale-note.tsx";
import { useSession } from "../session/browser-session.ts";

/** One address, two readers: who made the invoice sees the code to show, anybody else pays it. */
export function InvoicePage({ invoiceId }: { readonly invoiceId: string }) {
  const query = useQuery(invoiceQuery(invoiceId));
  const me = useSession().person?.person;
  const invoice = query.data;
  const own = invoice?.payee.person === me;
  return (
    <div className="w-narrow">
      <Page
        title={own ? messages.invoice.ownTitle : messages.invoice.payTitle}
        back={own ? <BackLink to="/requests">{messages.requests.title}</BackLink> : <BackLink />}
        aside={invoice === undefined ? null : <InvoiceChip state={invoice.state} />}
      >
        {invoice === undefined && query.isError ? (
          <Failure error={query.error} onRetry={() => void query.refetch()} />
        ) : null}
        {invoice === undefined && !query.isError ? <InvoiceSkeleton /> : null}
        {invoice !== undefined && own ? <OwnInvoice invoice={invoice} /> : null}
        {invoice !== undefined && !own ? <PayInvoice key={invoiceId} invoice={invoice} /> : null}
        {invoice === undefined ? null : <StaleNote query={query} />}
      </Page>
    </div>
  );
}

function InvoiceSkeleton() {
  return (
    <div aria-busy="true" className="w-stack">
      <Skeleton height={40} width={180} />
      <Skeleton height={160} />
      <Skeleton height={50} />
    </div>
  );
}
