/**
 * One partition of the log: one JetStream stream, whose sequence is the offset.
 *
 * Appending. Messages go out one after another without waiting in between, each with the sequence
 * that must be the last one when it arrives (`Nats-Expected-Last-Sequence`). So whatever happens to
 * one of them, those behind it are refused rather than stored out of order, and a second writer is
 * refused as soon as it met a message that is not its own:
 *
 *   expected  10   11   12            10          11
 *   sent      e1   e2   e3    ->  e1 = 11, lost?  e2 = 12 | refused when e1 was not stored
 *
 * A message names its writer. When a sequence is refused, or an answer did not come, what stands
 * above the known end tells who wrote it: we did, and the answer was lost, or somebody else did,
 * and we are not the owner any more (BUS_FENCED).
 *
 * The same event twice. JetStream drops an id that it saw within its window, also after a restart.
 * An event whose transaction is older than that is looked up in the log itself (`KnownIds`), so
 * that "is not appended again" holds without a limit of time, and the window need not be long.
 */
import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import type { JetStreamClient, JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import type { OutboxEvent, StoredEvent } from "../carrier.ts";
import { busErrors } from "../errors.ts";
import { KnownIds } from "./known-ids.ts";
import { unavailable } from "./nats-errors.ts";
import type { NatsLink } from "./nats-link.ts";
import { WRITER_HEADER, decodeEvent, encodeEvent } from "./nats-message.ts";
import { offsetBefore } from "./time-search.ts";

export interface PartitionOptions {
  readonly link: NatsLink;
  readonly jsm: JetStreamManager;
  readonly stream: string;
  readonly subject: string;
  readonly partition: number;
  /** Differs for each opening of the log. */
  readonly writer: string;
  readonly duplicateWindowMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Messages and bytes on their way to the server at once, in one partition. */
const PIPELINE_MESSAGES_MAX = 256;
const PIPELINE_BYTES_MAX = 2_097_152;
const ACK_TIMEOUT_MS = 5_000;
/** Messages asked for at once when reading, and at first, while their size is not known. */
const READS_MAX = 128;
const READS_AT_FIRST = 8;
/** Clocks of databases and of NATS may differ by this much. */
const CLOCK_SKEW_MS = 60_000;

/** What became of one message that was sent. */
type Sent =
  | { readonly kind: "stored"; readonly seq: number }
  | { readonly kind: "duplicate"; readonly seq: number }
  | { readonly kind: "refused" }
  | { readonly kind: "unknown"; readonly cause: unknown };

export class NatsPartition {
  readonly #options: PartitionOptions;
  readonly #known = new KnownIds();
  readonly #js: JetStreamClient;
  /** The last sequence that we know of. */
  #last: number;
  /** True when a message was sent whose answer did not come. */
  #isUncertain = false;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: PartitionOptions, last: number) {
    this.#options = options;
    this.#last = last;
    this.#js = options.jsm.jetstream();
  }

  /** Appends in order, one call after another. Throws BUS_FENCED or CARRIER_UNAVAILABLE. */
  append(events: readonly OutboxEvent[]): Promise<readonly StoredEvent[]> {
    const run = this.#tail.then(() => this.#append(events));
    this.#tail = run.catch(() => {
      // Told to whoever asked for it; the next call finds out by itself how far this one came.
    });
    return run;
  }

  /** At most `limit` events above `after`; reads from the stream's leader, never from a replica. */
  async read(after: number, limit: number, bytesMax = Infinity): Promise<readonly StoredEvent[]> {
    const { first, last } = await this.bounds();
    const from = Math.max(after + 1, first);
    const to = Math.min(last, from + limit - 1);
    const found: StoredEvent[] = [];
    let bytes = 0;
    let count = 0;
    for (let start = from; start <= to && bytes < bytesMax; start += count) {
      count = Math.min(readsAtOnce(found.length, bytes, bytesMax), to - start + 1);
      const seqs = Array.from({ length: count }, (_, i) => start + i);
      for (const message of await Promise.all(seqs.map((seq) => this.#message(seq)))) {
        // Pruned since the bounds were read.
        if (message === null || bytes >= bytesMax) continue;
        const event = decodeEvent(message.data, this.#options.partition, message.seq);
        found.push(event);
        bytes += Buffer.byteLength(event.data);
      }
    }
    return found;
  }

  /** The first and the last offset; `last` is `first - 1` in an empty stream. */
  async bounds(): Promise<{ readonly first: number; readonly last: number }> {
    const { link, jsm, stream } = this.#options;
    const info = await link.ask(() => jsm.streams.info(stream));
    const { first_seq: first, last_seq: last } = info.state;
    return { first: Math.max(1, first), last };
  }

  /** The offset before the first event at or after this moment (milliseconds since 1970). */
  async offsetBefore(atMs: number): Promise<number> {
    const stored = await this.storedBefore(atMs - CLOCK_SKEW_MS);
    return offsetBefore(atMs, stored, (after, limit) => this.read(after, limit));
  }

  /** The last offset that the server stored before this moment, by its own clock. */
  async storedBefore(atMs: number): Promise<number> {
    const { first, last } = await this.bounds();
    let low = first - 1;
    let high = last;
    // Sequences have no gaps and their times only grow, so halving finds it in log2(n) questions.
    while (low < high) {
      const middle = Math.floor((low + high + 1) / 2);
      const message = await this.#message(middle);
      if (message === null || message.time.getTime() < atMs) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Forgets everything up to this offset; answers how many events it forgot. */
  async forgetUpTo(offset: number): Promise<number> {
    const { first } = await this.bounds();
    if (offset < first) return 0;
    const { link, stream, jsm } = this.#options;
    const done = await link.ask(() => jsm.streams.purge(stream, { seq: offset + 1 }));
    return done.purged;
  }

  // -- appending ----------------------------------------------------------------------------

  async #append(events: readonly OutboxEvent[]): Promise<readonly StoredEvent[]> {
    if (this.#isUncertain) await this.#resync();
    const offsets = new Map<string, number>(await this.#appendedLongAgo(events));
    let rest = events.filter((event) => !offsets.has(event.eventId));
    // Each round stores or recognises at least one event, or finds out why not and ends.
    while (rest.length > 0) {
      const batch = firstOf(rest);
      const sent = await this.#send(batch);
      sent.forEach((one, i) => {
        const event = batch[i];
        if (event !== undefined && "seq" in one) offsets.set(event.eventId, one.seq);
      });
      const unknown = sent.find((one) => one.kind === "unknown");
      if (unknown !== undefined) throw unavailable(unknown.cause);
      if (sent.every((one) => one.kind === "refused")) {
        const before = this.#last;
        await this.#resync();
        if (this.#last === before) throw unavailable(new Error(`${before} is refused as its end`));
      }
      rest = rest.filter((event) => !offsets.has(event.eventId));
    }
    const { partition } = this.#options;
    return events.map((event) => {
      // The loop ends only when each event has its offset.
      return { ...event, partition, offset: offsets.get(event.eventId) ?? 0 };
    });
  }

  async #send(batch: readonly OutboxEvent[]): Promise<readonly Sent[]> {
    let expected = this.#last;
    // True from the first byte on: until the answers are there, nobody knows what was stored.
    this.#isUncertain = true;
    const sent = await this.#options.link.ask(() =>
      Promise.all(batch.map((event) => this.#publish(event, expected++))),
    );
    this.#isUncertain = sent.some((one) => one.kind === "unknown");
    for (const one of sent) if (one.kind === "stored") this.#last = Math.max(this.#last, one.seq);
    return sent;
  }

  async #publish(event: OutboxEvent, expectedLast: number): Promise<Sent> {
    const { subject, writer } = this.#options;
    const named = headers();
    named.set(WRITER_HEADER, writer);
    try {
      const ack = await this.#js.publish(subject, encodeEvent(event), {
        msgID: event.eventId,
        expect: { lastSequence: expectedLast },
        headers: named,
        timeout: ACK_TIMEOUT_MS,
      });
      return { kind: ack.duplicate ? "duplicate" : "stored", seq: ack.seq };
    } catch (error) {
      const isRefused =
        error instanceof JetStreamApiError &&
        error.code === JetStreamApiCodes.StreamWrongLastSequence;
      return isRefused ? { kind: "refused" } : { kind: "unknown", cause: error };
    }
  }

  /** Finds the true end of the stream. Throws BUS_FENCED when somebody else wrote to it. */
  async #resync(): Promise<void> {
    const { stream, writer } = this.#options;
    const { last } = await this.bounds();
    if (last < this.#last) {
      const problem = `${stream} ends at ${last}, and ${this.#last} was acknowledged`;
      throw unavailable(new Error(problem));
    }
    for (let seq = this.#last + 1; seq <= last; seq++) {
      const message = await this.#message(seq);
      if (message?.header.get(WRITER_HEADER) === writer) continue;
      throw busErrors.error("BUS_FENCED", { given: { fence: writer } });
    }
    this.#last = last;
    this.#isUncertain = false;
  }

  /** Offsets of those events that are in the log, among those too old for the server's window. */
  async #appendedLongAgo(events: readonly OutboxEvent[]): Promise<Iterable<[string, number]>> {
    const { duplicateWindowMs, now } = this.#options;
    const windowBeganMs = now() - duplicateWindowMs + CLOCK_SKEW_MS;
    const old = events.filter((event) => Date.parse(event.at) < windowBeganMs);
    if (old.length === 0) {
      this.#known.forgetUnused(now());
      return [];
    }
    const oldestMs = Math.min(...old.map((event) => Date.parse(event.at)));
    await this.#known.cover(
      { fromMs: oldestMs, nowMs: now() },
      (atMs) => this.storedBefore(atMs - CLOCK_SKEW_MS),
      (after, limit) => this.read(after, limit),
    );
    return this.#known.among(old);
  }

  #message(seq: number): Promise<StoredMsg | null> {
    const { link, jsm, stream } = this.#options;
    return link.ask(() => jsm.streams.getMessage(stream, { seq }));
  }
}

/** About as many as still have room, by what was read so far; at least one. */
function readsAtOnce(found: number, bytes: number, bytesMax: number): number {
  if (bytesMax === Infinity) return READS_MAX;
  if (found === 0) return READS_AT_FIRST;
  const room = Math.ceil(((bytesMax - bytes) * found) / Math.max(1, bytes));
  return Math.min(READS_MAX, Math.max(1, room));
}

/** As many as may be on their way at once; at least one. */
function firstOf(events: readonly OutboxEvent[]): readonly OutboxEvent[] {
  let bytes = 0;
  const taken: OutboxEvent[] = [];
  for (const event of events) {
    bytes += event.data.length;
    if (taken.length >= PIPELINE_MESSAGES_MAX || (taken.length > 0 && bytes > PIPELINE_BYTES_MAX)) {
      break;
    }
    taken.push(event);
  }
  return taken;
}
