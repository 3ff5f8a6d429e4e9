import { Icon } from "@tideway/ui";
import type { IconName } from "@tideway/ui";
import type { PaymentReply } from "../api/queries.ts";
import { messages } from "../messages.ts";
import { useTimes } from "./use-times.ts";
import { unreachable } from "@tideway/kernel";

interface Step {
  readonly name: string;
  readonly text: string;
  readonly look: "done" | "now" | "open" | "failed";
}

const icons: Record<Step["look"], IconName> = {
  done: "check",
  now: "clock",
  open: "dash",
  failed: "cross",
};

/** Asked, held, final: what happened to a payment, in order. */
export function Timeline({ payment }: { readonly payment: PaymentReply }) {
  const times = useTimes();
  return (
    <section aria-labelledby="history" className="w-stack">
      <h2 id="history" className="w-day-name">
        {messages.payment.history}
      </h2>
      <ol className="tw-card w-timeline">
        {stepsOf(payment, times.dateTime, times.exactTime).map((step) => (
          <li key={step.name} data-look={step.look}>
            <Icon name={icons[step.look]} />
            <div>
              <p className="w-row-name">{step.name}</p>
              <p className="w-row-second">{step.text}</p>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

function stepsOf(
  payment: PaymentReply,
  dateTime: (timestamp: string) => string,
  exactTime: (timestamp: string) => string,
): Step[] {
  const words = messages.payment;
  const asked: Step = { name: words.asked, text: dateTime(payment.createdAt), look: "done" };
  const finished = payment.finishedAt === null ? "" : exactTime(payment.finishedAt);
  switch (payment.state) {
    case "pending":
      return [
        asked,
        { name: words.held, text: words.heldNow, look: "now" },
        { name: words.final, text: words.finalPending, look: "open" },
      ];
    case "paid":
      return [
        asked,
        { name: words.held, text: words.heldDone, look: "done" },
        { name: words.final, text: `${messages.state.paid}, ${finished}`, look: "done" },
      ];
    case "failed":
      return [
        asked,
        { name: words.held, text: words.heldNot, look: "open" },
        { name: words.final, text: `${messages.state.failed}, ${finished}`, look: "failed" },
      ];
    default:
      return unreachable(payment.state);
  }
}
