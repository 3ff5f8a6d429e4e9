import { paymentsErrors } from "@tideway/api-payments";
import type { CodedError } from "@tideway/kernel";
import { ABANDONED } from "./payment.ts";

/** The coded answer for a payment that failed: the same one for each retry. */
export function failureError(failure: string): CodedError {
  if (failure === "FUNDS_INSUFFICIENT") return paymentsErrors.error("FUNDS_INSUFFICIENT");
  if (failure === ABANDONED) return paymentsErrors.error("PAYMENT_ABANDONED");
  return paymentsErrors.error("PAYMENT_REFUSED", { given: { reason: failure } });
}
