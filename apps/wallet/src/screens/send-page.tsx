import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "../navigation.tsx";
import { EmptyNote, Page, formatMoney, useLocale } from "@tideway/ui";
import { balancesQuery } from "../api/queries.ts";
import { messages } from "../messages.ts";
import { BackLink } from "../parts/back-link.tsx";
import { Failure } from "../parts/failure.tsx";
import { FormSkeleton } from "../parts/form-skeleton.tsx";
import { SendForm } from "../parts/send-form.tsx";
import { readReviewed } from "../payment/reviewed.ts";
import type { Reviewed } from "../payment/reviewed.ts";
import { useSession } from "../session/browser-session.ts";

/** Send, first step: to whom, how much, what for. An unclear payment has to be looked at first. */
export function SendPage() {
  const person = useSession().person?.person ?? "";
  const reviewed = readReviewed(sessionStorage, person);
  return (
    <div className="w-narrow">
      <Page title={messages.send.title} back={<BackLink />}>
        {reviewed?.phase === "asked" ? (
          <Unclear reviewed={reviewed} />
        ) : (
          <Form reviewed={reviewed} />
        )}
      </Page>
    </div>
  );
}

function Form({ reviewed }: { readonly reviewed: Reviewed | null }) {
  const balances = useQuery(balancesQuery);
  if (balances.data === undefined) {
    if (!balances.isError) return <FormSkeleton />;
    return <Failure error={balances.error} onRetry={() => void balances.refetch()} />;
  }
  if (balances.data.every((balance) => balance.available === "0")) {
    return (
      <div className="tw-card">
        <EmptyNote
          title={messages.send.nothingToSend}
          action={
            <Button variant="default" renderRoot={(props) => <Link to="/request" {...props} />}>
              {messages.requests.make}
            </Button>
          }
        >
          {messages.send.nothingToSendText}
        </EmptyNote>
      </div>
    );
  }
  return <SendForm balances={balances.data} reviewed={reviewed} />;
}

function Unclear({ reviewed }: { readonly reviewed: Reviewed }) {
  const { unclearTitle, unclearText, unclearAction } = messages.send;
  const money = formatMoney(reviewed.money, useLocale());
  return (
    <div className="tw-note" data-tone="warn">
      <p className="tw-note-title">{unclearTitle}</p>
      <p>{unclearText(money, reviewed.recipient.name)}</p>
      <div>
        <Button renderRoot={(props) => <Link to="/send/review" {...props} />}>
          {unclearAction}
        </Button>
      </div>
    </div>
  );
}
