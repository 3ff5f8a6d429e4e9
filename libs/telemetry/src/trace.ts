/**
 * W3C trace context (https://www.w3.org/TR/trace-context/), version 00: which request this work
 * belongs to, carried along by AsyncLocalStorage so that logs and outgoing calls find it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";

export interface TraceContext {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hex digits: the span of this hop. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const PATTERN = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const storage = new AsyncLocalStorage<TraceContext>();

/** Reads a `traceparent`; null when it is missing or not valid. A newer version's extra fields are let pass. */
export function parseTraceparent(header: string | undefined): TraceContext | null {
  const match = PATTERN.exec(header ?? "");
  const [, version, traceId, spanId, flags, rest] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  if (version === "ff" || (version === "00" && rest !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.sampled ? "01" : "00"}`;
}

/** A new trace. */
export function newTrace(): TraceContext {
  const id = randomBytes(24).toString("hex");
  return { traceId: id.slice(0, 32), spanId: id.slice(32), sampled: true };
}

/** The next hop of a trace: same trace, new span. */
export function childOf(trace: TraceContext): TraceContext {
  return { ...trace, spanId: randomBytes(8).toString("hex") };
}

/** Runs `act` with `trace` as the current one, over all its awaits. */
export function withTrace<T>(trace: TraceContext, act: () => T): T {
  return storage.run(trace, act);
}

export function currentTrace(): TraceContext | null {
  return storage.getStore() ?? null;
}
