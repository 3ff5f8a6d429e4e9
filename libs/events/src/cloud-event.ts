/**
 * CloudEvents 1.0, JSON event format (cloudevents/spec, json-format.md): one event as a JSON
 * object. Strict: a wrong attribute is refused by name, and extensions nobody knows are kept.
 */
import { isCoded } from "@tideway/kernel";
import { checkAttribute, checkName } from "./cloud-event-attributes.ts";
import type { AttributeValue } from "./cloud-event-attributes.ts";
import { eventErrors } from "./errors.ts";

export interface CloudEvent {
  readonly id: string;
  /** A URI reference. */
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  /** RFC 3339. */
  readonly time?: string;
  readonly datacontenttype?: string;
  /** An absolute URI. */
  readonly dataschema?: string;
  readonly extensions: Readonly<Record<string, AttributeValue>>;
  /** A JSON value; bytes where the content type is neither JSON nor text; undefined for none. */
  readonly data?: unknown;
}

const REQUIRED = ["id", "source", "type"] as const;
const OPTIONAL = ["subject", "time", "datacontenttype", "dataschema"] as const;
const CORE = new Set<string>(["specversion", ...REQUIRED, ...OPTIONAL]);

/** The event that a parsed JSON value spells. Throws CLOUD_EVENT_INVALID. */
export function parseCloudEvent(value: unknown): CloudEvent {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw invalid("it is not a JSON object");
  }
  const attributes = new Map<string, unknown>();
  let data: unknown;
  let bytes: Uint8Array | undefined;
  for (const [name, one] of Object.entries(value)) {
    if (name === "data") data = one;
    // The format has null mean the same as a missing member.
    else if (one === null) continue;
    else if (name === "data_base64") bytes = bytesOf(one);
    else attributes.set(name, one);
  }
  if (data !== undefined && bytes !== undefined) throw invalid("it has data and data_base64");
  return eventOf(attributes, bytes ?? data);
}

/** The JSON value that spells the event. */
export function toCloudEventJson(event: CloudEvent): Record<string, unknown> {
  const { data, extensions, ...core } = event;
  const head = { specversion: "1.0", ...core, ...extensions };
  if (data === undefined) return head;
  if (data instanceof Uint8Array)
    return { ...head, data_base64: bufferOf(data).toString("base64") };
  return { ...head, data };
}

/** An event of checked attributes, from whatever spelling they come. Throws CLOUD_EVENT_INVALID. */
export function eventOf(attributes: ReadonlyMap<string, unknown>, data: unknown): CloudEvent {
  if (attributes.get("specversion") !== "1.0") throw invalid('specversion is not "1.0"');
  const core: Record<string, string> = {};
  const extensions: Record<string, AttributeValue> = {};
  for (const [name, value] of attributes) {
    checkName(name);
    const checked = checkAttribute(name, value);
    if (name === "specversion") continue;
    if (!CORE.has(name)) extensions[name] = checked;
    else if (typeof checked === "string") core[name] = checked;
  }
  const { id, source, type, ...optional } = core;
  if (id === undefined || source === undefined || type === undefined) {
    throw invalid(`${REQUIRED.find((name) => core[name] === undefined) ?? "id"} is missing`);
  }
  return { id, source, type, ...optional, extensions, ...(data === undefined ? {} : { data }) };
}

/** Whether data of this content type is a JSON value; a missing one means application/json. */
export function isJsonType(contentType: string | undefined): boolean {
  const media = mediaTypeOf(contentType ?? "application/json");
  return /^[^/]+\/(json|[^/]+\+json)$/.test(media);
}

/** `application/json` of `application/json; charset=utf-8`. */
export function mediaTypeOf(contentType: string): string {
  return (contentType.split(";")[0] ?? "").trim().toLowerCase();
}

export function invalid(problem: string, cause?: unknown): Error {
  if (isCoded(cause)) return cause;
  return eventErrors.error("CLOUD_EVENT_INVALID", { given: { problem }, cause });
}

export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bytesOf(value: unknown): Uint8Array {
  if (typeof value !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(value) || value.length % 4 > 0) {
    throw invalid("data_base64 is not base 64");
  }
  return Uint8Array.from(Buffer.from(value, "base64"));
}
