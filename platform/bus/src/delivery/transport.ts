/**
 * Sends batches through the gateway's internal listener and reads the answers.
 *
 * 200 with a result for each event is an instance's word. 409 says that the split has changed.
 * Everything else says nothing of the events: an outage. One exception: an instance that refuses a
 * batch as malformed (400, 413, 422) may have met a single event that nobody can read, so its
 * events are sent one by one, and then such a refusal is that event's failed try.
 */
import { isCoded } from "@tideway/kernel";
import { DELIVERY_DEADLINE_MS, KEYS_HEADER, PIN_HEADER, deliverEvents } from "@tideway/schema";
import { childOf, formatTraceparent, newTrace, parseTraceparent } from "@tideway/telemetry";
import { INSTANCE_HEADER } from "@tideway/trust";
import { Pool } from "undici";
import type { Batch, DeliverableEvent, Outcome } from "../machine/delivery-types.ts";
import { prepare } from "./prepared-event.ts";
import type { Urgencies } from "./urgency.ts";

export type BatchAnswer =
  | { readonly kind: "answered"; readonly outcomes: readonly Outcome[] }
  | { readonly kind: "unanswered"; readonly reason: string }
  | { readonly kind: "stale" };

/** Events for one revision under one split: of one batch, or of several at once. */
export type Delivery = Pick<Batch, "revision" | "epoch" | "events">;

export interface Transport {
  /** Never rejects. */
  deliver(service: string, replay: number, delivery: Delivery): Promise<BatchAnswer>;
  close(): Promise<void>;
}

export interface TransportOptions {
  /** The gateway's internal listener. */
  readonly internalUrl: string;
  /** The bus's own secret towards the gateway. */
  readonly secret: string;
  readonly urgencies: Pick<Urgencies, "of">;
}

const CONNECTIONS_MAX = 128;
/** The gateway answers at the route's deadline; this is for a gateway that hangs. */
const ANSWER_TIMEOUT_MS = DELIVERY_DEADLINE_MS + 5_000;
const KEEP_ALIVE_MS = 60_000;
const ANSWER_BYTES_MAX = 1_048_576;
const REFUSALS = new Set([400, 413, 422]);

export function createTransport(options: TransportOptions): Transport {
  const { internalUrl, secret, urgencies } = options;
  const pool = new Pool(internalUrl, {
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
    connect: { timeout: 5_000 },
  });
  const send: Send = (service, replay, delivery, events) =>
    sendOnce({ pool, secret, urgencies, service, replay, delivery, events });
  return {
    deliver: async (service, replay, delivery) => {
      const answer = await send(service, replay, delivery, delivery.events);
      if (answer.kind !== "refused") return answer;
      if (delivery.events.length === 1) return { kind: "answered", outcomes: [answer.outcome] };
      return deliverSingly(send, service, replay, delivery);
    },
    close: () => pool.destroy(),
  };
}

type Refused = { readonly kind: "refused"; readonly outcome: Outcome };
type Send = (
  service: string,
  replay: number,
  delivery: Delivery,
  events: readonly DeliverableEvent[],
) => Promise<BatchAnswer | Refused>;

/** Keeps the order per key: what stands behind a failed event of its key is not sent. */
async function deliverSingly(
  send: Send,
  service: string,
  replay: number,
  delivery: Delivery,
): Promise<BatchAnswer> {
  const outcomes: Outcome[] = [];
  const failed = new Set<string>();
  for (const event of delivery.events) {
    if (failed.has(event.key)) {
      outcomes.push({ outcome: "skipped" });
      continue;
    }
    const answer = await send(service, replay, delivery, [event]);
    if (answer.kind === "stale" || answer.kind === "unanswered") {
      // What was answered before counts; the rest goes again.
      return outcomes.length === 0 ? answer : { kind: "answered", outcomes };
    }
    const outcome = answer.kind === "refused" ? answer.outcome : answer.outcomes[0];
    outcomes.push(outcome ?? { outcome: "skipped" });
    if (outcome?.outcome === "failed") failed.add(event.key);
  }
  return { kind: "answered", outcomes };
}

interface Sending {
  readonly pool: Pool;
  readonly secret: string;
  readonly urgencies: Pick<Urgencies, "of">;
  readonly service: string;
  readonly replay: number;
  readonly delivery: Delivery;
  readonly events: readonly DeliverableEvent[];
}

async function sendOnce(sending: Sending): Promise<BatchAnswer | Refused> {
  const { pool, secret, service, delivery, events } = sending;
  try {
    const reply = await pool.request({
      method: "POST",
      path: `/api/${service}${deliverEvents.path}`,
      headers: {
        "content-type": "application/cloudevents-batch+json",
        [INSTANCE_HEADER]: `bus:${secret}`,
        [PIN_HEADER]: `${delivery.revision}@${delivery.epoch}`,
        [KEYS_HEADER]: events.map(({ keyDigits }) => keyDigits).join(","),
        // RFC 9218; libs/http sheds by it.
        priority: `u=${sending.urgencies.of(events)}`,
        "tideway-deadline": String(DELIVERY_DEADLINE_MS),
        traceparent: traceOf(events),
      },
      body: bodyOf(events, sending.replay),
    });
    const text = await readText(reply.body);
    if (reply.statusCode === 200) return readResults(text, events);
    return readProblem(text, reply.statusCode, events);
  } catch (error) {
    return { kind: "unanswered", reason: reasonOf(error) };
  }
}

function bodyOf(events: readonly DeliverableEvent[], replay: number): string {
  return `[${events.map((event) => prepare(event).text(replay)).join(",")}]`;
}

/** A delivery goes on with its first event's trace; each event carries its own. */
function traceOf(events: readonly DeliverableEvent[]): string {
  const first = parseTraceparent(events[0]?.traceparent ?? undefined);
  return formatTraceparent(first === null ? newTrace() : childOf(first));
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error("The answer is larger than 1 MiB.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function readResults(text: string, events: readonly DeliverableEvent[]): BatchAnswer {
  const results: unknown = Object(parse(text))["results"];
  if (!Array.isArray(results) || results.length !== events.length) {
    return { kind: "unanswered", reason: "The answer does not name every event once." };
  }
  const outcomes: Outcome[] = [];
  for (const [index, result] of results.entries()) {
    const outcome = readOutcome(result, events[index]);
    if (outcome === null) {
      return { kind: "unanswered", reason: `The result of event ${index} cannot be read.` };
    }
    outcomes.push(outcome);
  }
  return { kind: "answered", outcomes };
}

function readOutcome(value: unknown, event: DeliverableEvent | undefined): Outcome | null {
  const { id, outcome, code, detail }: Record<string, unknown> = Object(value);
  if (event === undefined || id !== prepare(event).id) return null;
  switch (outcome) {
    case "applied":
    case "duplicate":
    case "skipped":
      return { outcome };
    case "failed":
      return {
        outcome,
        code: typeof code === "string" ? code : "UNKNOWN",
        detail: typeof detail === "string" ? detail : "",
      };
    default:
      return null;
  }
}

function readProblem(
  text: string,
  status: number,
  events: readonly DeliverableEvent[],
): BatchAnswer | Refused {
  const { code, title }: Record<string, unknown> = Object(parse(text));
  if (status === 409 && code === "SPLIT_EPOCH_STALE") return { kind: "stale" };
  const isOurs = code === "DELIVERY_HEADER_INVALID";
  if (REFUSALS.has(status) && typeof code === "string" && !isOurs && events.length > 0) {
    const detail = typeof title === "string" ? title : "";
    return { kind: "refused", outcome: { outcome: "failed", code, detail } };
  }
  return { kind: "unanswered", reason: `Status ${status} ${typeof code === "string" ? code : ""}` };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function reasonOf(error: unknown): string {
  if (isCoded(error)) return error.code;
  if (!(error instanceof Error)) return String(error);
  const code: unknown = Reflect.get(error, "code");
  return typeof code === "string" ? `${code} ${error.message}` : error.message;
}
