/** What the JetStream carrier refuses or cannot do. */
import { defineErrors } from "@tideway/kernel";

export const natsErrors = defineErrors({
  CARRIER_UNAVAILABLE: {
    status: 503,
    retryable: true,
    title: "The log of events on NATS did not answer: {problem}.",
    action: "Look at the NATS servers; the same events are appended again and taken once.",
  },
  CARRIER_MISCONFIGURED: {
    status: 500,
    retryable: false,
    title: "The stream {stream} on NATS cannot hold the log: {problem}.",
    action: "Correct the stream, or name another prefix so that a new one is made.",
  },
});

/** CARRIER_UNAVAILABLE with what the client said; the cause is kept. */
export function unavailable(cause: unknown): Error {
  const problem = cause instanceof Error ? cause.message : String(cause);
  return natsErrors.error("CARRIER_UNAVAILABLE", { given: { problem }, cause });
}
