import { isClientError } from "@tideway/client";
import { commonErrors } from "@tideway/kernel";

/**
 * Turns "nobody knows whether it happened" into UPSTREAM_UNAVAILABLE, which the client may retry
 * under the same key: no answer, an answer that may be retried, any 5xx, and a token that ended on
 * the way. Everything else is a mistake of ours and goes on as it is, to be answered as INTERNAL.
 */
export function unavailableOr(service: string, error: unknown): unknown {
  if (!isClientError(error)) return error;
  const unknown =
    error.retryable || error.status === 0 || error.status >= 500 || error.status === 401;
  if (!unknown) return error;
  return commonErrors.error("UPSTREAM_UNAVAILABLE", { given: { service }, cause: error });
}
