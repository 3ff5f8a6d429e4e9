/** Errors as RFC 9457 problem details with a stable code. */
import { CodedError, commonErrors } from "@tideway/kernel";
import type { Problem } from "@tideway/schema";

export const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

/** What is sent for `error`. Anything without a code is INTERNAL, and says nothing of its insides. */
export function toProblem(error: unknown, traceId: string | null): Problem {
  const coded = error instanceof CodedError ? error : commonErrors.error("INTERNAL");
  return {
    type: `urn:tideway:error:${coded.code}`,
    title: coded.message,
    status: coded.definition.status,
    code: coded.code,
    action: coded.action,
    retryable: coded.definition.retryable,
    given: { ...coded.given },
    ...(traceId === null ? {} : { traceId }),
  };
}
