import { StateChip } from "@tideway/ui";
import type { StateChipProps } from "@tideway/ui";
import type { InvoiceReply, PaymentReply } from "../api/queries.ts";
import { messages } from "../messages.ts";

type Look = Pick<StateChipProps, "tone" | "sign">;

const payments: Record<PaymentReply["state"], Look> = {
  pending: { tone: "warn" },
  paid: { tone: "good" },
  failed: { tone: "bad" },
};

const invoices: Record<InvoiceReply["state"], Look> = {
  open: { tone: "tide" },
  paying: { tone: "warn" },
  paid: { tone: "good" },
  expired: { tone: "quiet", sign: "clock" },
  cancelled: { tone: "quiet", sign: "cross" },
};

export function PaymentChip({ state, shape }: { state: PaymentReply["state"]; shape?: "plain" }) {
  return (
    <StateChip {...payments[state]} shape={shape ?? "boxed"}>
      {messages.state[state]}
    </StateChip>
  );
}

export function InvoiceChip({ state, shape }: { state: InvoiceReply["state"]; shape?: "plain" }) {
  return (
    <StateChip {...invoices[state]} shape={shape ?? "boxed"}>
      {messages.state[state]}
    </StateChip>
  );
}
