/**
 * CloudEvents 1.0, HTTP protocol binding (cloudevents/spec, http-protocol-binding.md): events as
 * the headers and the body of a message, in its three modes.
 *
 *   structured  content-type: application/cloudevents+json        body: one event as JSON
 *   batched     content-type: application/cloudevents-batch+json  body: a JSON array of them
 *   binary      ce-<attribute> headers, content-type of the data  body: the data
 */
import {
  bufferOf,
  eventOf,
  invalid,
  isJsonType,
  mediaTypeOf,
  parseCloudEvent,
  toCloudEventJson,
} from "./cloud-event.ts";
import type { AttributeValue } from "./cloud-event-attributes.ts";
import type { CloudEvent } from "./cloud-event.ts";
import { decodeHeaderValue, encodeHeaderValue } from "./header-value.ts";

export const STRUCTURED_TYPE = "application/cloudevents+json";
export const BATCH_TYPE = "application/cloudevents-batch+json";
const UTF_8 = "; charset=utf-8";
const PREFIX = "ce-";

export interface HttpMessage {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export function encodeStructured(event: CloudEvent): HttpMessage {
  return jsonMessage(STRUCTURED_TYPE, toCloudEventJson(event));
}

export function encodeBatched(events: readonly CloudEvent[]): HttpMessage {
  return jsonMessage(BATCH_TYPE, events.map(toCloudEventJson));
}

/** Throws CLOUD_EVENT_INVALID where the data and its content type do not belong together. */
export function encodeBinary(event: CloudEvent): HttpMessage {
  const { data, extensions, datacontenttype, ...core } = event;
  const headers: Record<string, string> = { "ce-specversion": "1.0" };
  const attributes: Readonly<Record<string, AttributeValue>> = { ...core, ...extensions };
  for (const [name, value] of Object.entries(attributes)) {
    headers[PREFIX + name] = encodeHeaderValue(String(value));
  }
  if (data === undefined) {
    if (datacontenttype !== undefined) headers["content-type"] = datacontenttype;
    return { headers, body: new Uint8Array() };
  }
  headers["content-type"] = datacontenttype ?? "application/json";
  return { headers, body: bodyOf(data, datacontenttype) };
}

/**
 * The events of a message, in whichever mode it is. Throws CLOUD_EVENT_INVALID.
 *
 * @example decodeHttp({ headers: { "content-type": "application/cloudevents+json" }, body })
 */
export function decodeHttp(message: HttpMessage): readonly CloudEvent[] {
  const contentType = message.headers["content-type"];
  const media = mediaTypeOf(contentType ?? "");
  if (media === STRUCTURED_TYPE) return [parseCloudEvent(parseJson(message.body))];
  if (media === BATCH_TYPE) {
    const events = parseJson(message.body);
    if (!Array.isArray(events)) throw invalid("the batch is not a JSON array");
    return events.map(parseCloudEvent);
  }
  if (media.startsWith("application/cloudevents"))
    throw invalid(`${media} is no format known here`);
  return [decodeBinary(message, contentType)];
}

function decodeBinary({ headers, body }: HttpMessage, contentType: string | undefined): CloudEvent {
  const attributes = new Map<string, string>();
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith(PREFIX)) continue;
    const name = header.slice(PREFIX.length);
    // The content type is a header of its own; twice told, the two could differ.
    if (name === "datacontenttype") throw invalid("ce-datacontenttype is content-type in HTTP");
    attributes.set(name, decodeHeaderValue(header, value));
  }
  if (contentType !== undefined) attributes.set("datacontenttype", contentType);
  return eventOf(attributes, body.length === 0 ? undefined : dataOf(body, contentType));
}

function dataOf(body: Uint8Array, contentType: string | undefined): unknown {
  if (isJsonType(contentType)) return parseJson(body);
  return isText(contentType ?? "") ? textOf(body) : body;
}

function isText(contentType: string): boolean {
  const media = mediaTypeOf(contentType);
  const isNamed = /^text\/|[/+]xml$/.test(media);
  const charset = /;\s*charset="?([\w-]+)/i.exec(contentType)?.[1]?.toLowerCase();
  // ASCII is UTF-8. Other encodings stay bytes for whoever knows them.
  return charset === undefined ? isNamed : charset === "utf-8" || charset === "us-ascii";
}

function bodyOf(data: unknown, contentType: string | undefined): Uint8Array {
  if (data instanceof Uint8Array) return bufferOf(data);
  if (isJsonType(contentType)) return Buffer.from(JSON.stringify(data));
  if (typeof data === "string") return Buffer.from(data);
  throw invalid(`data of ${contentType ?? ""} is neither text nor bytes`);
}

function jsonMessage(type: string, value: unknown): HttpMessage {
  return { headers: { "content-type": type + UTF_8 }, body: Buffer.from(JSON.stringify(value)) };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(body));
  } catch (error) {
    throw invalid("the body is not JSON", error);
  }
}

function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch (error) {
    throw invalid("the body is not UTF-8", error);
  }
}
