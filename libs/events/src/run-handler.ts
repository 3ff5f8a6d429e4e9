/** One handler's run: in the event's trace, within its time. */
import type { Transaction } from "@tideway/store";
import { childOf, errorFields, newTrace, withTrace } from "@tideway/telemetry";
import type { Logger, TraceContext } from "@tideway/telemetry";
import type { Consumer, ReceivedEvent } from "./consumer.ts";
import { eventErrors } from "./errors.ts";
import type { Failure } from "./machine/inbox.ts";

export interface HandlerRun {
  readonly consumer: Consumer;
  readonly event: ReceivedEvent<unknown>;
  readonly replay: number;
  /** The publisher's, so that one trace leads from a request to what it caused elsewhere. */
  readonly trace: TraceContext | null;
  readonly transaction: Transaction;
  /** The delivery's own end: nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  readonly limitMs: number;
  readonly logger: Logger;
}

export type HandlerEnd =
  | { readonly kind: "done" }
  | { readonly kind: "threw"; readonly error: unknown }
  /** It may still be running: its transaction must be abandoned. */
  | { readonly kind: "timeout"; readonly failure: Failure }
  | { readonly kind: "gone" };

/** Runs the handler; answers how it ended, at the latest when its time is over. Never rejects. */
export async function runHandler(run: HandlerRun): Promise<HandlerEnd> {
  const { event, limitMs, logger, signal } = run;
  if (signal.aborted) return { kind: "gone" };
  const stop = new AbortController();
  const { promise: ended, resolve } = Promise.withResolvers<HandlerEnd>();
  const timeout = (): void => {
    const failure = timeoutFailure(event.type, limitMs);
    resolve({ kind: "timeout", failure });
    stop.abort(new Error(failure.detail));
  };
  const gone = (): void => {
    resolve({ kind: "gone" });
    stop.abort(signal.reason);
  };
  const timer = setTimeout(timeout, limitMs);
  signal.addEventListener("abort", gone, { once: true });
  const trace = run.trace === null ? newTrace() : childOf(run.trace);
  return withTrace(trace, async () => {
    call(run, stop.signal).then(resolve, (error: unknown) => {
      if (stop.signal.aborted) logger.info("event.handler-late", lateFields(event, error));
      resolve({ kind: "threw", error });
    });
    const end = await ended;
    clearTimeout(timer);
    signal.removeEventListener("abort", gone);
    if (end.kind === "threw") logFailure(logger, event, errorFields(end.error));
    if (end.kind === "timeout") logFailure(logger, event, { ...end.failure });
    return end;
  });
}

/** Also what a handler throws before its first await is a rejection. */
async function call(run: HandlerRun, signal: AbortSignal): Promise<HandlerEnd> {
  const { consumer, event, replay, transaction } = run;
  await consumer.handle(transaction, event, { eventId: event.id, replay, signal });
  return { kind: "done" };
}

function timeoutFailure(type: string, limitMs: number): Failure {
  const { code, message } = eventErrors.error("EVENT_HANDLER_TIMEOUT", {
    given: { type, limitMs },
  });
  return { code, detail: message };
}

function logFailure(
  logger: Logger,
  { id, type }: ReceivedEvent<unknown>,
  fields: Readonly<Record<string, unknown>>,
): void {
  logger.warn("event.handler-failed", { type, eventId: id, ...fields });
}

function lateFields({ id, type }: ReceivedEvent<unknown>, error: unknown) {
  return { type, eventId: id, ...errorFields(error) };
}
