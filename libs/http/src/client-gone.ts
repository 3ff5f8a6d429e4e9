/** That nobody waits for the answer any more: no failure of ours, and nobody reads the code. */
import { defineErrors } from "@tideway/kernel";
import type { CodedError } from "@tideway/kernel";

const clientErrors = defineErrors({
  CLIENT_GONE: {
    // As nginx logs it, and our gateway.
    status: 499,
    retryable: true,
    title: "The client went away before it was answered.",
    action: "Try again with the same Idempotency-Key; nothing is done twice.",
  },
});

/** The reason of a handler's signal, and what a body that broke off ends with. */
export function clientGone(cause?: unknown): CodedError {
  return clientErrors.error("CLIENT_GONE", { cause });
}
