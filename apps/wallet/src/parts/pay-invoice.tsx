import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useGoTo } from "../navigation.tsx";
import { MoneyText, formatMoney, useLocale } from "@tideway/ui";
import { useState } from "react";
import { payments } from "../api/clients.ts";
import { balancesQuery, paymentQuery } from "../api/queries.ts";
import type { BalanceReply, InvoiceReply, PaymentReply } from "../api/queries.ts";
import { messages } from "../messages.ts";
import { dropKey, hasKey, keyFor } from "../payment/keys.ts";
import { useSubmission } from "../payment/use-submission.ts";
import { useSession } from "../session/browser-session.ts";
import { Facts } from "./facts.tsx";
import { SubmissionPanel } from "./submission-panel.tsx";
import { useTimes } from "./use-times.ts";
import { Live } from "./live.tsx";
import { unreachable } from "@tideway/kernel";

const words = messages.invoice;

/** The payer's view: what is asked, what it leaves, and pay. A settled invoice is told plainly. */
export function PayInvoice({ invoice }: { readonly invoice: InvoiceReply }) {
  const times = useTimes();
  const balance = useBalance(invoice);
  const left = balance === undefined ? "\u2026" : leftText(balance, invoice);
  return (
    <>
      <div className="w-headline">
        <MoneyText {...invoice.money} size="hero" />
      </div>
      <Facts
        facts={[
          [
            words.to,
            <span key="to" className="w-row-name">
              {invoice.payee.name || messages.common.somebody}
            </span>,
          ],
          [words.for, invoice.note],
          [words.until, invoice.state === "open" ? times.dateTime(invoice.expiresAt) : null],
          [messages.review.after, invoice.state === "open" ? left : null],
        ]}
      />
      <Paying invoice={invoice} />
    </>
  );
}

function Paying({ invoice }: { readonly invoice: InvoiceReply }) {
  const me = useSession().person?.person ?? "";
  const slot = `pay-${invoice.invoice}-${me}`;
  const submission = usePaying(invoice, slot);
  const balance = useBalance(invoice);
  const locale = useLocale();
  const { phase } = submission.state;
  // While our own request is open or unclear its own words count, whatever the invoice says.
  if (invoice.state !== "open" && phase !== "busy" && phase !== "unknown") {
    return <Settled invoice={invoice} />;
  }
  const poor = balance !== undefined && BigInt(balance.available) < BigInt(invoice.money.amount);
  return (
    <>
      {poor && phase === "idle" ? (
        <p className="tw-note" data-tone="warn">
          {words.tooPoor(formatMoney({ ...balance, amount: balance.available }, locale))}
        </p>
      ) : null}
      <SubmissionPanel
        submission={submission}
        action={words.pay(formatMoney(invoice.money, locale))}
        disabled={poor && phase === "idle"}
      />
    </>
  );
}

function usePaying(invoice: InvoiceReply, slot: string) {
  const queryClient = useQueryClient();
  const goTo = useGoTo();
  const [unclearBefore, setUnclearBefore] = useState(() => hasKey(sessionStorage, slot));
  const params = { invoiceId: invoice.invoice };
  return useSubmission<PaymentReply>({
    unclearBefore,
    onStart: () => void keyFor(sessionStorage, slot, ""),
    send: () => {
      const idempotencyKey = keyFor(sessionStorage, slot, "");
      return payments.payInvoice({ params, body: {}, idempotencyKey });
    },
    onOutcome: (outcome) => {
      // A key that stays behind means "unclear" after a reload, so every clear outcome drops it.
      if (outcome.kind === "unknown") setUnclearBefore(true);
      else dropKey(sessionStorage, slot);
      void queryClient.invalidateQueries({ queryKey: ["invoice", invoice.invoice] });
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

function useBalance(invoice: InvoiceReply) {
  const { data } = useQuery(balancesQuery);
  return data?.find((known) => known.asset === invoice.money.asset);
}

/** What the payer has afterwards; nothing where it is not enough, which is told by itself. */
function leftText(balance: BalanceReply, invoice: InvoiceReply) {
  const left = BigInt(balance.available) - BigInt(invoice.money.amount);
  return left < 0n ? null : <MoneyText {...balance} amount={left.toString()} />;
}

interface SettledText {
  readonly tone: "good" | "warn" | "bad";
  readonly title: string;
  readonly text: string;
}

function Settled({ invoice }: { readonly invoice: InvoiceReply }) {
  const times = useTimes();
  // Only the payer may read the payment: whoever gets an answer here is the one who paid.
  const own = useQuery({
    ...paymentQuery(invoice.payment ?? ""),
    enabled: invoice.state === "paid" && invoice.payment !== null,
    retry: false,
  });
  const told = settledText(invoice, own.isSuccess, times.dateTime(invoice.expiresAt));
  return (
    <div className="tw-note" data-tone={told.tone}>
      <Live>
        <p className="tw-note-title">{told.title}</p>
        <p>{told.text}</p>
      </Live>
      {own.isSuccess && invoice.payment !== null ? (
        <p>
          <Link to="/payments/$paymentId" params={{ paymentId: invoice.payment }}>
            {words.yourPayment}
          </Link>
        </p>
      ) : null}
    </div>
  );
}

function settledText(invoice: InvoiceReply, isMine: boolean, expired: string): SettledText {
  switch (invoice.state) {
    case "paid":
      return {
        tone: "good",
        title: words.paidTitle,
        text: isMine ? words.paidYou : words.paidOther,
      };
    case "expired":
      return { tone: "bad", title: words.expiredTitle(expired), text: words.expiredText };
    case "cancelled":
      return { tone: "bad", title: words.cancelledTitle, text: words.cancelledText };
    case "open":
    case "paying":
      return { tone: "warn", title: words.beingPaidTitle, text: words.beingPaidText };
    default:
      return unreachable(invoice.state);
  }
}
