/**
 * Collects what a consumer relies on in its neighbours' apis: from each call in tests, from one in a
 * hundred in operation. Paths and types only; nothing here ever sees a value leave.
 */
import { EXPECTATIONS_MAX, expectationKey, sortExpectations } from "@tideway/schema";
import type { Expectation, RouteApi } from "@tideway/schema";
import { declaredField, declaredPaths } from "./declared-paths.ts";
import { trackReads, typeOf } from "./track-reads.ts";

export interface ExpectationRecorder {
  /** Whether the next call, or the next event, is to be recorded. */
  takes(): boolean;
  note(expectation: Expectation): void;
  /** Everything noted so far, each once, in one order. */
  list(): readonly Expectation[];
}

export interface RecorderOptions {
  /** The share of calls to record, 0 to 1. */
  readonly share: number;
  readonly random?: () => number;
  /** Told of each expectation when it is noted for the first time. */
  readonly onNew?: (expectation: Expectation) => void;
}

/** In operation: one call in a hundred. */
export const RECORDED_SHARE = 0.01;
/** Elements of one array, and levels, that are looked at in a request. */
const ELEMENTS_MAX = 20;
const DEPTH_MAX = 12;

/** A recorder that holds 2,000 expectations at most; what comes after is left out. */
export function createRecorder(options: RecorderOptions): ExpectationRecorder {
  const { share, random = Math.random, onNew } = options;
  const noted = new Map<string, Expectation>();
  return {
    takes: () => share >= 1 || random() < share,
    note: (expectation) => {
      if (noted.size >= EXPECTATIONS_MAX) return;
      const key = expectationKey(expectation);
      if (noted.has(key)) return;
      noted.set(key, expectation);
      onNew?.(expectation);
    },
    list: () => sortExpectations(noted.values()),
  };
}

export interface RecordedCall {
  readonly provider: string;
  readonly route: RouteApi;
  readonly recorder: ExpectationRecorder;
}

/** The sent parts of a call, as the client got them. */
export interface SentParts {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
}

/** Notes every field that a request carries. */
export function noteRequest(call: RecordedCall, sent: SentParts): void {
  const { provider, recorder } = call;
  const operation = operationOf(call.route);
  const note = (path: string, value: unknown): void =>
    recorder.note({ provider, operation, part: "request", path, type: typeOf(value) });
  note("", sent);
  if (sent.idempotencyKey !== undefined) note("header.idempotency-key", sent.idempotencyKey);
  for (const part of ["params", "query", "body"] as const) {
    const schema = call.route[part];
    if (schema === undefined || sent[part] === undefined) continue;
    walk(sent[part], { declared: declaredPaths(schema), path: "", depth: 0 }, (path, value) =>
      note(path === "" ? part : `${part}.${path}`, value),
    );
  }
}

/** The reply, wrapped so that each look at a field of it is noted. */
export function trackReply<T>(call: RecordedCall, reply: T): T {
  const operation = operationOf(call.route);
  return track({ ...call, operation, part: "reply", schema: call.route.reply }, reply);
}

export interface RecordedEvent {
  readonly provider: string;
  readonly type: string;
  /** The schema of its data. */
  readonly schema: object;
  readonly recorder: ExpectationRecorder;
}

/** An event's data, wrapped so that each look at a field of it is noted. */
export function trackEvent<T>(event: RecordedEvent, data: T): T {
  return track({ ...event, operation: event.type, part: "event" }, data);
}

interface Tracked {
  readonly provider: string;
  readonly operation: string;
  readonly part: "reply" | "event";
  readonly schema: object;
  readonly recorder: ExpectationRecorder;
}

function track<T>({ provider, operation, part, schema, recorder }: Tracked, value: T): T {
  const declared = declaredPaths(schema);
  return trackReads(value, {
    note: (path, type) => recorder.note({ provider, operation, part, path, type }),
    fieldOf: (path, name) => declaredField(declared, path, name),
  });
}

function operationOf(route: RouteApi): string {
  return `${route.method} ${route.path}`;
}

interface Place {
  readonly declared: ReadonlySet<string>;
  readonly path: string;
  readonly depth: number;
}

function walk(value: unknown, at: Place, note: (path: string, value: unknown) => void): void {
  const { declared, path } = at;
  // What is undefined is not sent, so it is no field of the request.
  if (value === undefined) return;
  note(path, value);
  if (at.depth >= DEPTH_MAX || value === null || typeof value !== "object") return;
  const depth = at.depth + 1;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value.slice(0, ELEMENTS_MAX);
    for (const item of items) walk(item, { declared, path: `${path}[]`, depth }, note);
    return;
  }
  for (const [name, field] of Object.entries(value)) {
    const own = declaredField(declared, path, name);
    if (own !== null) walk(field, { declared, path: own, depth }, note);
  }
}
