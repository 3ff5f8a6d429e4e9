/** The events of a delivery, as the bus sends them: CloudEvents with the attributes it adds. */
import { isCoded, isId } from "@tideway/kernel";
import { parseTraceparent } from "@tideway/telemetry";
import type { TraceContext } from "@tideway/telemetry";
import { mediaTypeOf, parseCloudEvent } from "./cloud-event.ts";
import type { CloudEvent } from "./cloud-event.ts";
import { BATCH_TYPE } from "./cloud-event-http.ts";
import type { Consumer, ReceivedEvent } from "./consumer.ts";
import { eventErrors } from "./errors.ts";
import { dataFailure } from "./event-data.ts";
import type { Failure, InboxEvent } from "./machine/inbox.ts";
import { EVENT_ID_PREFIX } from "./publisher.ts";

export interface Delivered {
  readonly inbox: InboxEvent;
  readonly event: ReceivedEvent<unknown>;
  readonly trace: TraceContext | null;
  /** Undefined where `inbox.refusal` says why. */
  readonly consumer: Consumer | undefined;
}

const SOURCE = /^\/services\/([a-z][a-z0-9-]{1,30})$/;

/** Reads a whole batch, or throws EVENT_BATCH_INVALID: of half a batch no order could be kept. */
export function readDelivery(
  contentType: string | undefined,
  body: readonly unknown[],
  consumers: ReadonlyMap<string, Consumer>,
): readonly Delivered[] {
  if (mediaTypeOf(contentType ?? "") !== BATCH_TYPE) {
    throw malformed(`its content type is ${contentType?.slice(0, 100) ?? "missing"}`);
  }
  return body.map((value, index) => readOne(value, index, consumers));
}

function readOne(
  value: unknown,
  index: number,
  consumers: ReadonlyMap<string, Consumer>,
): Delivered {
  const cloud = parse(value, index);
  if (!isId(EVENT_ID_PREFIX, cloud.id)) throw malformed(`event ${index} has no id evt_...`);
  const { partitionkey, tidewayreplay = 0, traceparent } = cloud.extensions;
  const key = partitionkey ?? cloud.subject;
  if (typeof key !== "string" || key === "") throw malformed(`event ${index} has no partitionkey`);
  if (typeof tidewayreplay !== "number" || tidewayreplay < 0) {
    throw malformed(`event ${index} has a tidewayreplay that is no number from 0`);
  }
  const service = SOURCE.exec(cloud.source)?.[1];
  if (service === undefined) throw malformed(`event ${index} has no source /services/...`);
  const consumer = consumers.get(cloud.type);
  return {
    inbox: {
      id: cloud.id,
      replay: tidewayreplay,
      key,
      refusal: refusalOf(cloud, service, consumer),
    },
    event: {
      id: cloud.id,
      type: cloud.type,
      key,
      data: cloud.data,
      source: service,
      time: cloud.time ?? null,
    },
    trace: parseTraceparent(typeof traceparent === "string" ? traceparent : undefined),
    consumer,
  };
}

/** What nobody needs to try: every revision like this one would fail it. */
function refusalOf(
  { type, source, data }: CloudEvent,
  service: string,
  consumer: Consumer | undefined,
): Failure | null {
  if (!type.startsWith(`${service}.`)) return failure("EVENT_SOURCE_FORGED", { type, source });
  if (consumer === undefined) return failure("EVENT_TYPE_UNKNOWN", { type });
  const problem = consumer.check(data);
  return problem === null ? null : dataFailure(type, problem);
}

function failure(
  code: "EVENT_SOURCE_FORGED" | "EVENT_TYPE_UNKNOWN",
  given: Readonly<Record<string, string>>,
): Failure {
  return { code, detail: eventErrors.error(code, { given }).message };
}

function parse(value: unknown, index: number): CloudEvent {
  try {
    return parseCloudEvent(value);
  } catch (error) {
    if (!isCoded(error)) throw error;
    throw malformed(`event ${index}: ${error.message}`, error);
  }
}

function malformed(problem: string, cause?: unknown): Error {
  return eventErrors.error("EVENT_BATCH_INVALID", { given: { problem }, cause });
}
