import { Button, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "../navigation.tsx";
import { paymentsErrors } from "@tideway/api-payments";
import { CopyId, MoneyText, Page, formatMoney, useLocale } from "@tideway/ui";
import { paymentQuery } from "../api/queries.ts";
import type { PaymentReply } from "../api/queries.ts";
import { messages } from "../messages.ts";
import { BackLink } from "../parts/back-link.tsx";
import { Facts } from "../parts/facts.tsx";
import { Failure } from "../parts/failure.tsx";
import { PaymentChip } from "../parts/state-chips.tsx";
import { Timeline } from "../parts/timeline.tsx";
import { useSession } from "../session/browser-session.ts";
import { Live } from "../parts/live.tsx";
import { unreachable } from "@tideway/kernel";

export interface PaymentPageProps {
  readonly paymentId: string;
  /** True right after sending: the page is the result then, and offers what comes next. */
  readonly isResult: boolean;
}

/** One payment and its way: asked, held, final. It follows a payment under way until it is final. */
export function PaymentPage({ paymentId, isResult }: PaymentPageProps) {
  const query = useQuery(paymentQuery(paymentId));
  const me = useSession().person?.person;
  const payment = query.data;
  const outgoing = payment?.payer.person === me;
  return (
    <div className="w-narrow">
      <Page
        title={payment === undefined ? messages.payment.title : titleOf(payment, outgoing)}
        back={<BackLink />}
        aside={payment === undefined ? null : <PaymentChip state={payment.state} />}
      >
        {payment === undefined && query.isError ? (
          <Failure error={query.error} onRetry={() => void query.refetch()} />
        ) : null}
        {payment === undefined && !query.isError ? <PaymentSkeleton /> : null}
        {payment === undefined ? null : <PaymentView payment={payment} outgoing={outgoing} />}
        {isResult && payment !== undefined ? <NextSteps /> : null}
      </Page>
    </div>
  );
}

function titleOf(payment: PaymentReply, outgoing: boolean): string {
  const { sentTitle, receivedTitle, pendingTitle, failedTitle } = messages.payment;
  switch (payment.state) {
    case "paid":
      return outgoing ? sentTitle : receivedTitle;
    case "pending":
      return pendingTitle;
    case "failed":
      return failedTitle;
    default:
      return unreachable(payment.state);
  }
}

function PaymentView({ payment, outgoing }: { payment: PaymentReply; outgoing: boolean }) {
  const words = messages.payment;
  const locale = useLocale();
  const failure = failureOf(payment.failure);
  return (
    <>
      <div className="w-headline">
        <MoneyText {...payment.money} size="hero" />
        <Live>{sentenceOf(payment, outgoing, formatMoney(payment.money, locale))}</Live>
        {failure === null ? null : <p className="tw-muted">{failure}</p>}
      </div>
      <Timeline payment={payment} />
      <Facts
        facts={[
          [words.note, payment.note],
          [
            words.invoice,
            payment.invoice === null ? null : <InvoiceLink key="i" id={payment.invoice} />,
          ],
          [
            words.transfer,
            <CopyId key="t" id={payment.transfer} what={words.transfer} whatHidden />,
          ],
          [words.payment, <CopyId key="p" id={payment.payment} what={words.payment} whatHidden />],
        ]}
      />
    </>
  );
}

function InvoiceLink({ id }: { readonly id: string }) {
  return (
    <Link to="/pay/$invoiceId" params={{ invoiceId: id }}>
      {messages.payment.openInvoice}
    </Link>
  );
}

function sentenceOf(payment: PaymentReply, outgoing: boolean, money: string): string {
  const words = messages.payment;
  const name = (outgoing ? payment.payee : payment.payer).name || messages.common.somebody;
  switch (payment.state) {
    case "paid":
      return outgoing ? words.sentTo(money, name) : words.receivedFrom(money, name);
    case "pending":
      return outgoing ? words.movingTo(money, name) : words.movingFrom(money, name);
    case "failed":
      return outgoing ? words.notTo(money, name) : words.notFrom(money, name);
    default:
      return unreachable(payment.state);
  }
}

/** The reason in the catalogue's words; a code that this version does not know is shown as it is. */
function failureOf(code: string | null): string | null {
  if (code === null) return null;
  const known = Object.entries(paymentsErrors.definitions).find(([name]) => name === code)?.[1];
  if (known === undefined || known.title.includes("{")) return code;
  return `${known.title} ${known.action}`;
}

function NextSteps() {
  return (
    <div className="w-actions">
      <Button renderRoot={(props) => <Link to="/" {...props} />}>{messages.common.done}</Button>
      <Button variant="default" renderRoot={(props) => <Link to="/send" {...props} />}>
        {messages.payment.sendAgain}
      </Button>
    </div>
  );
}

function PaymentSkeleton() {
  return (
    <div aria-busy="true" className="w-stack">
      <Skeleton height={40} width={180} />
      <Skeleton height={16} width="70%" />
      <Skeleton height={176} />
      <Skeleton height={120} />
    </div>
  );
}
