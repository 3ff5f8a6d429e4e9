import { Link } from "../navigation.tsx";
import { Icon, MoneyText } from "@tideway/ui";
import type { PaymentReply } from "../api/queries.ts";
import { groupByDay } from "../activity/group-by-day.ts";
import { messages } from "../messages.ts";
import { useSession } from "../session/browser-session.ts";
import { PaymentChip } from "./state-chips.tsx";
import { useTimes } from "./use-times.ts";

/** Payments under the heading of their day. */
export function ActivityDays({ payments }: { readonly payments: readonly PaymentReply[] }) {
  const times = useTimes();
  const days = groupByDay(payments, {
    timeZone: times.timeZone,
    timestampOf: (payment) => payment.createdAt,
  });
  return days.map(({ day, items }) => (
    <section key={day} className="w-day" aria-labelledby={`day-${day}`}>
      <h3 id={`day-${day}`} className="w-day-name">
        {times.day(day)}
      </h3>
      <ul className="tw-card w-list">
        {items.map((payment) => (
          <li key={payment.payment}>
            <ActivityRow payment={payment} time={times.time(payment.createdAt)} />
          </li>
        ))}
      </ul>
    </section>
  ));
}

interface ActivityRowProps {
  readonly payment: PaymentReply;
  readonly time: string;
}

function ActivityRow({ payment, time }: ActivityRowProps) {
  const me = useSession().person?.person;
  const outgoing = payment.payer.person === me;
  const other = (outgoing ? payment.payee.name : payment.payer.name) || messages.common.somebody;
  const { to, from, sent, received } = messages.home;
  return (
    <Link
      to="/payments/$paymentId"
      params={{ paymentId: payment.payment }}
      className="tw-row w-row"
      data-state={payment.state}
    >
      <span className="w-way" data-way={outgoing ? "out" : "in"}>
        <Icon name={outgoing ? "arrow-out" : "arrow-in"} />
      </span>
      <span className="tw-row-main">
        <span className="w-row-name">
          <span className="tw-hidden">{outgoing ? to : from} </span>
          {other}
        </span>
        <span className="w-row-second">{payment.note ?? (outgoing ? sent : received)}</span>
      </span>
      <span className="tw-row-side">
        <MoneyText {...payment.money} direction={outgoing ? "out" : "in"} />
        <span className="w-row-second w-row-state">
          <PaymentChip state={payment.state} shape="plain" />
          {time}
        </span>
      </span>
    </Link>
  );
}
