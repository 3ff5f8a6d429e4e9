/** Errors as RFC 9457 problem documents. */
import { CodedError, commonErrors } from "@tideway/kernel";
import type { Problem } from "@tideway/schema";
import type { ServerResponse } from "node:http";

/** How long a client that met a full queue should wait, in seconds. */
const RETRY_AFTER_SECONDS = 1;

/** The expected failure behind `error`; anything unexpected becomes INTERNAL and keeps its cause. */
export function toCoded(error: unknown): CodedError {
  return error instanceof CodedError ? error : commonErrors.error("INTERNAL", { cause: error });
}

export function problemOf(error: CodedError, traceId: string | null): Problem {
  return {
    type: `urn:tideway:error:${error.code}`,
    title: error.message,
    status: error.definition.status,
    code: error.code,
    action: error.action,
    retryable: error.definition.retryable,
    ...(Object.keys(error.given).length > 0 ? { given: { ...error.given } } : {}),
    ...(traceId === null ? {} : { traceId }),
  };
}

/**
 * Answers with a problem document and returns the bytes of its body. Does nothing when the head
 * of another answer is already out.
 */
export function sendProblem(
  res: ServerResponse,
  error: CodedError,
  traceId: string | null,
  headers: readonly string[] = [],
): number {
  if (res.headersSent) return 0;
  const body = Buffer.from(JSON.stringify(problemOf(error, traceId)));
  const head = [
    "content-type",
    "application/problem+json",
    "content-length",
    String(body.length),
    "cache-control",
    "no-store",
    "x-content-type-options",
    "nosniff",
    ...headers,
  ];
  if (traceId !== null) head.push("tideway-trace", traceId);
  if (error.definition.status === 503) head.push("retry-after", String(RETRY_AFTER_SECONDS));
  const allow = error.code === "METHOD_NOT_ALLOWED" ? error.given["allow"] : undefined;
  if (allow !== undefined) head.push("allow", String(allow));
  res.writeHead(error.definition.status, head);
  res.end(body);
  return body.length;
}
