/**
 * Batches of several partitions that are ready at the same moment go to their revision in one
 * request, as long as that is expected to be a short one: a commit of ten events is spread over most
 * partitions, and a request costs more than an event. Each batch gets its own answer. Where handlers
 * are slow every partition has a request of its own, so that they work side by side.
 */
import type { Clock } from "@tideway/kernel";
import type { Batch } from "../machine/delivery-types.ts";
import type { BatchAnswer, Delivery } from "./transport.ts";

/** A request of several batches is to take no longer, going by those before. */
export const SHARED_MS_MAX = 20;
/** What the last answer counts for in the average. */
const WEIGHT = 0.2;

export interface OutgoingParts {
  /** Never rejects. */
  readonly deliver: (delivery: Delivery) => Promise<BatchAnswer>;
  readonly onAnswer: (batch: Batch, answer: BatchAnswer) => void;
  readonly clock: Pick<Clock, "monotonic">;
  /** Of one request. */
  readonly eventsMax: number;
  readonly bytesMax: number;
}

export class Outgoing {
  readonly #parts: OutgoingParts;
  #ready: Batch[] = [];
  /** How long a request takes for each of its events; null until one was answered. */
  #msPerEvent: number | null = null;

  constructor(parts: OutgoingParts) {
    this.#parts = parts;
  }

  /** Sends it when the present turn is over, with what else comes until then. */
  add(batch: Batch): void {
    this.#ready.push(batch);
    if (this.#ready.length === 1) queueMicrotask(() => this.#sendReady());
  }

  #sendReady(): void {
    const ready = this.#ready;
    this.#ready = [];
    for (const batches of this.#together(ready)) void this.#send(batches);
  }

  #together(ready: readonly Batch[]): readonly (readonly Batch[])[] {
    const { eventsMax, bytesMax } = this.#parts;
    const shortMax = this.#msPerEvent === null ? 0 : SHARED_MS_MAX / this.#msPerEvent;
    const groups: { readonly batches: Batch[]; events: number; bytes: number }[] = [];
    for (const batch of ready) {
      const events = batch.events.length;
      const bytes = bytesOf(batch);
      const group = groups.find(
        (one) =>
          belongTogether(one.batches[0], batch) &&
          one.events + events <= Math.min(eventsMax, shortMax) &&
          one.bytes + bytes <= bytesMax,
      );
      if (group === undefined) groups.push({ batches: [batch], events, bytes });
      else {
        group.batches.push(batch);
        group.events += events;
        group.bytes += bytes;
      }
    }
    return groups.map(({ batches }) => batches);
  }

  async #send(batches: readonly Batch[]): Promise<void> {
    const [first] = batches;
    if (first === undefined) return;
    const { clock, deliver, onAnswer } = this.#parts;
    const { revision, epoch } = first;
    const events = batches.flatMap((batch) => batch.events);
    const sentAtMs = clock.monotonic();
    const answer = await deliver({ revision, epoch, events });
    if (answer.kind === "answered") this.#learn((clock.monotonic() - sentAtMs) / events.length);
    let from = 0;
    for (const batch of batches) {
      onAnswer(batch, partOf(answer, from, batch.events.length));
      from += batch.events.length;
    }
  }

  #learn(msPerEvent: number): void {
    const before = this.#msPerEvent ?? msPerEvent;
    // Never nothing: a clock without fractions would make every request a short one.
    this.#msPerEvent = Math.max(0.01, before + (msPerEvent - before) * WEIGHT);
  }
}

/** A probe is to tell of its own events alone. */
function belongTogether(one: Batch | undefined, other: Batch): boolean {
  if (one === undefined || one.isProbe || other.isProbe) return false;
  return one.revision === other.revision && one.epoch === other.epoch;
}

function bytesOf({ events }: Batch): number {
  return events.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** What the answer says of one batch; it may end before it, where the events were sent singly. */
function partOf(answer: BatchAnswer, from: number, length: number): BatchAnswer {
  if (answer.kind !== "answered") return answer;
  const outcomes = answer.outcomes.slice(from, from + length);
  if (outcomes.length > 0) return { kind: "answered", outcomes };
  return { kind: "unanswered", reason: "The delivery ended before this batch." };
}
