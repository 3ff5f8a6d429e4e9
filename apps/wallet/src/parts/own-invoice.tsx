import { Button } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CopyId, MoneyText, formatMoney, useLocale } from "@tideway/ui";
import { Suspense, lazy, useEffect, useRef, useState } from "react";
import { payments } from "../api/clients.ts";
import type { InvoiceReply } from "../api/queries.ts";
import { Link } from "../navigation.tsx";
import { messages } from "../messages.ts";
import { dropKey, keyFor } from "../payment/keys.ts";
import { submit } from "../payment/submit.ts";
import { Failure } from "./failure.tsx";
import { QrFrame } from "./qr-frame.tsx";
import { useTimes } from "./use-times.ts";
import { Live } from "./live.tsx";
import { unreachable } from "@tideway/kernel";

// The code's arithmetic is fetched only by those who show one.
const QrCode = lazy(() => import("./qr-code.tsx").catch(() => ({ default: QrFailed })));
const words = messages.invoice;

/** The requester's view: the code to show, what is happening to it, and the way to cancel. */
export function OwnInvoice({ invoice }: { readonly invoice: InvoiceReply }) {
  const times = useTimes();
  const link = new URL(invoice.link, location.origin).href;
  const open = invoice.state === "open" || invoice.state === "paying";
  return (
    <>
      <div className="w-headline">
        <MoneyText {...invoice.money} size="hero" />
        {invoice.note === null ? null : <p>{invoice.note}</p>}
        <Live className="tw-muted">
          <StateLine invoice={invoice} />
        </Live>
      </div>
      {open ? (
        <div className="w-qr-block">
          <Suspense fallback={<QrFrame />}>
            <QrCode text={link} />
          </Suspense>
          <CopyId id={link} what={words.copyLink} says={words.copyLink} shown={shortLink(link)} />
          <p className="tw-muted w-small">{words.validUntil(times.dateTime(invoice.expiresAt))}</p>
        </div>
      ) : null}
      {invoice.state === "open" ? <CancelInvoice invoice={invoice} /> : null}
      {invoice.state === "paid" && invoice.payment !== null ? (
        <Link to="/payments/$paymentId" params={{ paymentId: invoice.payment }}>
          {words.openPayment}
        </Link>
      ) : null}
    </>
  );
}

/** Without its code's file the page still has the link, which is enough to be paid. */
function QrFailed() {
  return <p className="tw-muted">{words.qrFailed}</p>;
}

function StateLine({ invoice }: { readonly invoice: InvoiceReply }) {
  const locale = useLocale();
  switch (invoice.state) {
    case "open":
      return words.waiting;
    case "paying":
      return words.paying;
    case "paid":
      return words.ownPaid(formatMoney(invoice.money, locale));
    case "expired":
      return words.ownExpired;
    case "cancelled":
      return words.ownCancelled;
    default:
      return unreachable(invoice.state);
  }
}

function CancelInvoice({ invoice }: { readonly invoice: InvoiceReply }) {
  const [asked, setAsked] = useState(false);
  if (asked) return <CancelQuestion invoice={invoice} onKeep={() => setAsked(false)} />;
  return (
    <div>
      <Button variant="default" onClick={() => setAsked(true)}>
        {words.cancel}
      </Button>
    </div>
  );
}

interface CancelQuestionProps {
  readonly invoice: InvoiceReply;
  readonly onKeep: () => void;
}

function CancelQuestion({ invoice, onKeep }: CancelQuestionProps) {
  const cancel = useCancel(invoice.invoice);
  const keep = useRef<HTMLButtonElement>(null);
  // The button that was pressed is gone; the focus goes on to the harmless answer.
  useEffect(() => keep.current?.focus(), []);
  return (
    <div className="tw-note" data-tone="warn">
      <p>{words.cancelSure}</p>
      {cancel.isError ? <Failure error={cancel.error} /> : null}
      <div className="w-answers">
        <Button color="bad" loading={cancel.isPending} onClick={() => cancel.mutate()}>
          {words.cancelYes}
        </Button>
        <Button variant="default" ref={keep} onClick={onKeep}>
          {words.cancelNo}
        </Button>
      </div>
    </div>
  );
}

function useCancel(invoiceId: string) {
  const queryClient = useQueryClient();
  const slot = `cancel-${invoiceId}`;
  return useMutation({
    mutationFn: async () => {
      const idempotencyKey = keyFor(sessionStorage, slot, "");
      const call = { params: { invoiceId }, body: {}, idempotencyKey };
      const outcome = await submit(() => payments.cancelInvoice(call), { unclearBefore: false });
      if (outcome.kind !== "unknown") dropKey(sessionStorage, slot);
      if (outcome.kind !== "done") throw outcome.error;
      return outcome.reply;
    },
    onSuccess: (invoice) => {
      queryClient.setQueryData(["invoice", invoiceId], invoice);
      void queryClient.invalidateQueries({ queryKey: ["invoices"] });
    },
    // It may have been paid in the same moment; then the page has to say so.
    onError: () => queryClient.invalidateQueries({ queryKey: ["invoice", invoiceId] }),
  });
}

/** Host and the id's two ends: enough to recognise it on a narrow screen. */
function shortLink(link: string): string {
  const { host, pathname } = new URL(link);
  return pathname.length <= 24
    ? host + pathname
    : `${host}${pathname.slice(0, 12)}\u2026${pathname.slice(-6)}`;
}
