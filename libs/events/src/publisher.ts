/**
 * Publishing: events become rows of the outbox in the caller's own transaction, so each exists if
 * and only if that transaction commits. The bus takes them from there.
 */
import { idToUuid, newId, present } from "@tideway/kernel";
import type { CodedError } from "@tideway/kernel";
import { EVENT_DATA_BYTES_MAX } from "@tideway/schema";
import type { Api, DataOf, EventApi, SheddingClass } from "@tideway/schema";
import { afterCommit } from "@tideway/store";
import type { Pool, Transaction } from "@tideway/store";
import { currentTrace, formatTraceparent } from "@tideway/telemetry";
import type { Logger, Metrics } from "@tideway/telemetry";
import { BACKLOG_SECONDS, watchBacklog } from "./backlog.ts";
import type { Backlog } from "./backlog.ts";
import { eventErrors } from "./errors.ts";
import { dataChecker } from "./event-data.ts";
import type { DataProblem } from "./event-data.ts";
import { createNotifier } from "./notifier.ts";

export const EVENT_ID_PREFIX = "evt";
export const EVENT_KEY_BYTES_MAX = 200;
/** Events of one call. */
export const PUBLISH_EVENTS_MAX = 1_000;
/** The key travels as attributes of CloudEvents, and a consumer refuses those that hold these. */
const NO_ATTRIBUTE = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;

export interface PublisherParts {
  readonly pool: Pool;
  readonly logger: Logger;
  /** One publisher at most may count in one registry. */
  readonly metrics?: Metrics;
}

type EventsOf<A extends Api> = NonNullable<A["events"]>;
export type EventName<A extends Api> = keyof EventsOf<A> & string;
export type EventData<A extends Api, N extends EventName<A>> = EventsOf<A>[N] extends EventApi
  ? DataOf<EventsOf<A>[N]>
  : never;

export interface NewEvent<D> {
  /** Events of one key are delivered in the order of their commits. 1 to 200 bytes. */
  readonly key: string;
  /** At most 262,144 bytes as JSON. Opaque ids, never names. */
  readonly data: D;
}

/**
 * Writes events into the outbox by the transaction `t`, in one round trip, and answers their ids.
 * Holds each key until the transaction ends, so publish late in it. The transaction is one of `tx`.
 * Throws EVENT_DATA_INVALID, EVENT_TOO_LARGE, EVENT_KEY_INVALID; EVENTS_BACKLOGGED may pass.
 */
export type Publish<A extends Api> = <N extends EventName<A>>(
  t: Transaction,
  name: N,
  events: NewEvent<EventData<A, N>> | readonly NewEvent<EventData<A, N>>[],
) => Promise<readonly string[]>;

/**
 * Publishing for the events of this api.
 *
 * @example
 * const publish = createPublisher(ledgerApi, { pool, logger });
 * await tx(pool, async (t) => {
 *   await publish(t, "transferPosted", { key: account, data });
 * });
 */
export function createPublisher<A extends Api>(api: A, parts: PublisherParts): Publish<A> {
  const types = new Map(
    Object.entries(api.events ?? {}).map(([name, event]) => [name, prepare(event)]),
  );
  const nudge = createNotifier(parts);
  const count = parts.metrics?.counter("events_published", "Events committed to the outbox.", [
    "type",
  ]);
  const backlog = watch(api, parts);
  return async (t, name, given) => {
    const type = types.get(name);
    if (type === undefined) {
      throw eventErrors.error("EVENT_UNKNOWN", { given: { service: api.name, event: name } });
    }
    const events: readonly NewEvent<unknown>[] = Array.isArray(given) ? given : [given];
    if (events.length === 0) return [];
    refuseBacklogged(api.name, type.shedding, backlog);
    const ids = await insertEvents(t, type, events);
    afterCommit(t, () => {
      count?.inc({ type: type.type }, events.length);
      nudge();
    });
    return ids;
  };
}

interface EventType {
  readonly type: string;
  readonly shedding: SheddingClass;
  readonly check: (data: unknown) => DataProblem;
}

function prepare(event: EventApi): EventType {
  return { type: event.type, shedding: event.shedding ?? "normal", check: dataChecker(event) };
}

/** Null where no event of the api is ever refused. */
function watch(api: Api, { pool, logger, metrics }: PublisherParts): Backlog | null {
  const canRefuse = Object.values(api.events ?? {}).some((one) => one.shedding !== "critical");
  if (!canRefuse) return null;
  const gauge = metrics?.gauge("outbox_age_seconds", "Age of the oldest event in the outbox.");
  return watchBacklog({ pool, logger, onLook: (ageSeconds) => gauge?.set(ageSeconds) });
}

function refuseBacklogged(service: string, shedding: SheddingClass, backlog: Backlog | null): void {
  const ageSeconds = backlog?.ageSeconds() ?? 0;
  if (ageSeconds <= BACKLOG_SECONDS[shedding]) return;
  const given = { service, ageSeconds: Math.floor(ageSeconds) };
  throw eventErrors.error("EVENTS_BACKLOGGED", { given });
}

async function insertEvents(
  t: Transaction,
  type: EventType,
  events: readonly NewEvent<unknown>[],
): Promise<readonly string[]> {
  if (events.length > PUBLISH_EVENTS_MAX) {
    throw new Error(`${events.length} events at once; publish at most ${PUBLISH_EVENTS_MAX}.`);
  }
  const texts = events.map((event) => textOf(type, event));
  const ids = events.map(() => newId(EVENT_ID_PREFIX));
  const trace = currentTrace();
  await t.query({
    // Prepared once a connection: planning costs more than the statement.
    name: "tideway-publish",
    text: "select tideway.publish($1::uuid[], $2::text[], $3::text[], $4::text[], $5)",
    values: [
      ids.map((id) => idToUuid(EVENT_ID_PREFIX, id)),
      events.map(() => type.type),
      events.map((event) => event.key),
      texts,
      trace === null ? null : formatTraceparent(trace),
    ],
  });
  return ids;
}

/** The JSON text of an event that is fit to be kept and delivered. */
function textOf({ type, check }: EventType, { key, data }: NewEvent<unknown>): string {
  const keyBytes = Buffer.byteLength(key);
  if (keyBytes < 1 || keyBytes > EVENT_KEY_BYTES_MAX || NO_ATTRIBUTE.test(key)) {
    const given = { type, bytes: keyBytes, limitBytes: EVENT_KEY_BYTES_MAX };
    throw eventErrors.error("EVENT_KEY_INVALID", { given });
  }
  const text = jsonOf(type, data);
  const bytes = Buffer.byteLength(text);
  if (bytes > EVENT_DATA_BYTES_MAX) {
    const given = { type, bytes, limitBytes: EVENT_DATA_BYTES_MAX };
    throw eventErrors.error("EVENT_TOO_LARGE", { given });
  }
  // What consumers will read: a Date is text by now, and what JSON cannot say is missing.
  const problem = check(JSON.parse(text));
  if (problem !== null) throw dataInvalid(type, problem);
  return text;
}

function jsonOf(type: string, data: unknown): string {
  try {
    return present(JSON.stringify(data), "Data is an object.");
  } catch (error) {
    throw dataInvalid(type, { path: "data", problem: "is not JSON" }, error);
  }
}

function dataInvalid(type: string, problem: NonNullable<DataProblem>, cause?: unknown): CodedError {
  return eventErrors.error("EVENT_DATA_INVALID", { given: { type, ...problem }, cause });
}
