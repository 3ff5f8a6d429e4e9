import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useGoTo } from "../navigation.tsx";
import { EmptyNote, MoneyText, Page, formatMoney, useLocale } from "@tideway/ui";
import { useState } from "react";
import { payments } from "../api/clients.ts";
import { balancesQuery } from "../api/queries.ts";
import type { PaymentReply } from "../api/queries.ts";
import { messages } from "../messages.ts";
import { BackLink } from "../parts/back-link.tsx";
import { Facts } from "../parts/facts.tsx";
import { SubmissionPanel } from "../parts/submission-panel.tsx";
import { dropDraft } from "../payment/draft.ts";
import { dropReviewed, markAsked, markNotCarriedOut, readReviewed } from "../payment/reviewed.ts";
import type { Reviewed } from "../payment/reviewed.ts";
import type { Outcome } from "../payment/submit.ts";
import { useSubmission } from "../payment/use-submission.ts";
import { useSession } from "../session/browser-session.ts";

/** Send, second step: everything once more, then pay. What is shown is exactly what is sent. */
export function ReviewPage() {
  const person = useSession().person?.person ?? "";
  const [reviewed] = useState(() => readReviewed(sessionStorage, person));
  return (
    <div className="w-narrow">
      <Page
        title={messages.review.title}
        back={<BackLink to="/send">{messages.send.title}</BackLink>}
      >
        {reviewed === null ? <NothingToReview /> : <Review reviewed={reviewed} />}
      </Page>
    </div>
  );
}

function Review({ reviewed }: { readonly reviewed: Reviewed }) {
  const locale = useLocale();
  const submission = useSending(reviewed);
  const words = messages.review;
  return (
    <>
      <div className="w-headline">
        <MoneyText {...reviewed.money} size="hero" />
      </div>
      <Facts
        facts={[
          [words.toName, <Recipient key="to" {...reviewed.recipient} />],
          [words.note, reviewed.note === "" ? null : reviewed.note],
          [words.fee, words.noFee],
          [words.arrival, words.atOnce],
          [words.after, <Left key="left" reviewed={reviewed} />],
        ]}
      />
      <p className="tw-muted w-small">{words.final}</p>
      <SubmissionPanel
        submission={submission}
        action={words.send(formatMoney(reviewed.money, locale))}
        otherwise={<Change />}
        afterRefusal={<Change />}
        whileUnknown={<SetAside />}
      />
    </>
  );
}

function useSending(reviewed: Reviewed) {
  const queryClient = useQueryClient();
  const goTo = useGoTo();
  const [unclearBefore, setUnclearBefore] = useState(reviewed.phase === "asked");
  return useSubmission<PaymentReply>({
    unclearBefore,
    send: () => payments.sendPayment({ body: bodyOf(reviewed), idempotencyKey: reviewed.key }),
    onStart: () => void markAsked(sessionStorage, reviewed),
    onOutcome: (outcome) => {
      settle(outcome, reviewed);
      if (outcome.kind === "unknown") setUnclearBefore(true);
      void queryClient.invalidateQueries({ queryKey: ["balances"] });
      void queryClient.invalidateQueries({ queryKey: ["payments"] });
      if (outcome.kind !== "done") return;
      const { payment } = outcome.reply;
      queryClient.setQueryData(["payment", payment], outcome.reply);
      void goTo({
        to: "/payments/$paymentId",
        params: { paymentId: payment },
        search: { result: true },
        replace: true,
      });
    },
  });
}

/** What stays of the review after an outcome; an unclear one keeps its key. */
function settle(outcome: Outcome<PaymentReply>, reviewed: Reviewed): void {
  switch (outcome.kind) {
    case "done":
      dropReviewed(sessionStorage);
      dropDraft();
      return;
    case "refused":
      if (outcome.final) dropReviewed(sessionStorage);
      else markNotCarriedOut(sessionStorage, reviewed);
      return;
    case "unknown":
      return;
  }
}

function bodyOf(reviewed: Reviewed) {
  const { recipient, money, note } = reviewed;
  const body = { to: { person: recipient.person }, amount: money.amount, asset: money.asset };
  return note === "" ? body : { ...body, note };
}

function Recipient({ name, email }: Reviewed["recipient"]) {
  return (
    <>
      <span className="w-row-name">{name}</span>
      <span className="w-row-second">{email}</span>
    </>
  );
}

function Left({ reviewed }: { readonly reviewed: Reviewed }) {
  const { data } = useQuery(balancesQuery);
  const balance = data?.find((known) => known.asset === reviewed.money.asset);
  if (balance === undefined) return "\u2026";
  const left = BigInt(balance.available) - BigInt(reviewed.money.amount);
  return <MoneyText {...balance} amount={left.toString()} />;
}

function Change() {
  return (
    <Button variant="default" renderRoot={(props) => <Link to="/send" {...props} />}>
      {messages.review.change}
    </Button>
  );
}

/** Gives up asking. The payment may still have gone through, and the button says where to see it. */
function SetAside() {
  const drop = (): void => dropReviewed(sessionStorage);
  return (
    <div className="w-aside-note">
      <Button variant="default" onClick={drop} renderRoot={(props) => <Link to="/" {...props} />}>
        {messages.submit.setAside}
      </Button>
      <p className="tw-muted w-small">{messages.submit.setAsideText}</p>
    </div>
  );
}

function NothingToReview() {
  return (
    <div className="tw-card">
      <EmptyNote
        title={messages.review.noneTitle}
        action={
          <Button variant="default" renderRoot={(props) => <Link to="/send" {...props} />}>
            {messages.review.begin}
          </Button>
        }
      >
        {messages.review.noneText}
      </EmptyNote>
    </div>
  );
}
