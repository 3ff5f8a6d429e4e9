/**
 * W3C trace context (https://www.w3.org/TR/trace-context-2/), version 00: which request this work
 * belongs to, carried along by AsyncLocalStorage so that logs and outgoing calls find it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import { parseTracestate } from "./trace-state.ts";

export interface TraceContext {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hex digits: the span of this hop. */
  readonly spanId: string;
  readonly sampled: boolean;
  /** True when the trace's id is known to be random. */
  readonly isRandom?: boolean;
  /** What other tracing systems want to find again further on: a valid `tracestate`. */
  readonly state?: string;
}

/** A request's headers as Node hands them out: several of one name are joined by a comma. */
export interface TraceHeaders {
  readonly traceparent?: string | readonly string[] | undefined;
  readonly tracestate?: string | readonly string[] | undefined;
}

const PATTERN = /^[ \t]*([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?[ \t]*$/;
const SAMPLED = 1;
const RANDOM = 2;
const storage = new AsyncLocalStorage<TraceContext>();

/** Reads a `traceparent`; null when it is missing or not valid. A newer version's extra fields are let pass. */
export function parseTraceparent(header: string | undefined): TraceContext | null {
  const match = PATTERN.exec(header ?? "");
  const [, version, traceId, spanId, flags, rest] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  if (version === "ff" || (version === "00" && rest !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  const bits = Number.parseInt(flags, 16);
  const sampled = (bits & SAMPLED) !== 0;
  return (bits & RANDOM) === 0
    ? { traceId, spanId, sampled }
    : { traceId, spanId, sampled, isRandom: true };
}

/**
 * The trace that a request belongs to, with its state; null when the request begins one. More than
 * one `traceparent` is none, and without one there is no state either.
 */
export function readTrace(headers: TraceHeaders): TraceContext | null {
  const trace = parseTraceparent(joined(headers.traceparent));
  if (trace === null) return null;
  const state = parseTracestate(joined(headers.tracestate));
  return state === null ? trace : { ...trace, state };
}

/** The headers by which the trace travels on. */
export function traceHeaders(trace: TraceContext): {
  readonly traceparent: string;
  readonly tracestate?: string;
} {
  const traceparent = formatTraceparent(trace);
  return trace.state === undefined ? { traceparent } : { traceparent, tracestate: trace.state };
}

export function formatTraceparent(trace: TraceContext): string {
  const bits = (trace.sampled ? SAMPLED : 0) | (trace.isRandom === true ? RANDOM : 0);
  return `00-${trace.traceId}-${trace.spanId}-0${bits}`;
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

function joined(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" || header === undefined ? header : header.join(",");
}
