/**
 * A payment:
 *
 *   pending ── the money moved ──────────────> paid
 *      └────── it can never move any more ───> failed (with a code)
 *
 * The ledger decides which; a payment never becomes final on a guess.
 */
import { invariant, unreachable } from "@tideway/kernel";

export type PaymentStatus =
  | { readonly state: "pending" }
  | { readonly state: "paid" }
  | { readonly state: "failed"; readonly failure: string };

/** What the ledger said, for good. */
export type TransferOutcome =
  { readonly kind: "moved" } | { readonly kind: "not-moved"; readonly failure: string };

/** The failure of a payment whose transfer was burned before it was made. */
export const ABANDONED = "PAYMENT_ABANDONED";

/** The status after the ledger's answer. An answer that contradicts a final status is a broken invariant. */
export function settlePayment(status: PaymentStatus, outcome: TransferOutcome): PaymentStatus {
  switch (status.state) {
    case "pending":
      return outcome.kind === "moved"
        ? { state: "paid" }
        : { state: "failed", failure: outcome.failure };
    case "paid":
      invariant(
        outcome.kind === "moved",
        "A transfer that moved money cannot be undone by failing.",
      );
      return status;
    case "failed":
      invariant(outcome.kind === "not-moved", "A burned transfer can never move money.");
      return status;
    default:
      return unreachable(status);
  }
}
