/** An event ready to be sent: its CloudEvents text is made once, whoever it goes to. */
import { keyDigitsOf } from "@tideway/gateway";
import type { StoredEvent } from "../carrier.ts";
import { eventIdOf } from "../event-id.ts";
import type { DeliverableEvent } from "../machine/delivery-types.ts";

/** Attributes and punctuation of an event around its data. */
const ENVELOPE_BYTES = 700;
const SEQUENCE_DIGITS = 16;

export class PreparedEvent implements DeliverableEvent {
  readonly eventId: string;
  readonly source: string;
  readonly type: string;
  readonly key: string;
  readonly data: string;
  readonly traceparent: string | null;
  readonly at: string;
  readonly partition: number;
  readonly offset: number;
  readonly keyDigits: string;
  readonly bytes: number;
  #text: string | null = null;
  #id: string | null = null;

  constructor(stored: StoredEvent) {
    this.eventId = stored.eventId;
    this.source = stored.source;
    this.type = stored.type;
    this.key = stored.key;
    this.data = stored.data;
    this.traceparent = stored.traceparent;
    this.at = stored.at;
    this.partition = stored.partition;
    this.offset = stored.offset;
    this.keyDigits = keyDigitsOf(stored.key);
    this.bytes = Buffer.byteLength(stored.data) + ENVELOPE_BYTES;
  }

  /** `evt_...`, by which the consumer answers for it. */
  get id(): string {
    this.#id ??= eventIdOf(this.eventId);
    return this.#id;
  }

  /**
   * CloudEvents 1.0 in the JSON format. The data goes in as the producer wrote it; `sequence` is
   * the sequence extension, whose values compare as text.
   */
  text(replay: number): string {
    this.#text ??= this.#write();
    if (replay === 0) return `${this.#text}}`;
    return `${this.#text},"tidewayreplay":${replay}}`;
  }

  #write(): string {
    const key = JSON.stringify(this.key);
    const trace =
      this.traceparent === null ? "" : `,"traceparent":${JSON.stringify(this.traceparent)}`;
    const sequence = String(this.offset).padStart(SEQUENCE_DIGITS, "0");
    return (
      `{"specversion":"1.0","id":"${this.id}","source":"${this.source}",` +
      `"type":${JSON.stringify(this.type)},"subject":${key},"partitionkey":${key},` +
      `"time":"${this.at}","datacontenttype":"application/json","data":${this.data},` +
      `"sequence":"${sequence}","tidewaypartition":"${this.partition}"${trace}`
    );
  }
}

export function prepare(stored: StoredEvent): PreparedEvent {
  return stored instanceof PreparedEvent ? stored : new PreparedEvent(stored);
}
