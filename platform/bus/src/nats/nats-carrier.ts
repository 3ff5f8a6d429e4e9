/** The log on NATS JetStream, behind the same outbox and inbox as the one in PostgreSQL. */
import { randomBytes } from "node:crypto";
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  jetstreamManager,
} from "@nats-io/jetstream";
import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { NatsConnection } from "@nats-io/transport-node";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { request } from "undici";
import { PARTITIONS } from "../carrier.ts";
import type { Carrier, OutboxEvent, StoredEvent } from "../carrier.ts";
import { partitionOfKey } from "../partition.ts";
import { durabilityOf, syncSettingOf } from "./nats-durability.ts";
import { natsErrors, unavailable } from "./nats-errors.ts";
import { NatsLink } from "./nats-link.ts";
import { NatsPartition } from "./nats-partition.ts";

export interface NatsCarrierOptions {
  /** For example nats://127.0.0.1:4222; more than one, separated by commas, of one cluster. */
  readonly servers: string;
  /** Begins the names of the streams: `<prefix>-0` to `<prefix>-7`. */
  readonly prefix: string;
  readonly logger: Logger;
  /** Copies of each stream when it is made; what is there already stays as it is. Default 1. */
  readonly replicas?: number;
  /** The servers do not lose their power together; only the operator can know. Default false. */
  readonly hasSeparatePower?: boolean;
  /** Where a server tells its settings, for example http://127.0.0.1:8222. */
  readonly monitorUrl?: string;
  /** How long the server remembers ids; older ones are looked up in the log. */
  readonly duplicateWindowMs?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 5_000;
const RECONNECT_WAIT_MS = 250;
/** At 3,000 events a second some 130 MB of the server's memory. */
const DUPLICATE_WINDOW_MS = 300_000;
const NANOS_PER_MS = 1_000_000;

/**
 * Connects and makes the streams that are missing. Throws
 * CARRIER_UNAVAILABLE when no server answers, CARRIER_MISCONFIGURED for a stream of another make.
 *
 * @example
 * const servers = "nats://127.0.0.1:4222";
 * const carrier = await natsCarrier({ servers, prefix: "tideway", logger });
 */
export async function natsCarrier(options: NatsCarrierOptions): Promise<Carrier> {
  if (!/^[a-z][a-z0-9_-]{0,40}$/.test(options.prefix)) {
    throw new Error(`${options.prefix} cannot begin the name of a stream.`);
  }
  const link = new NatsLink(await connectTo(options.servers), options.logger);
  try {
    const jsm = await jetstreamManager(link.connection, { timeout: REQUEST_TIMEOUT_MS });
    return new NatsCarrier(link, jsm, options, await openPartitions(link, jsm, options));
  } catch (error) {
    await link.close();
    throw error instanceof JetStreamApiError ? unavailable(error) : error;
  }
}

class NatsCarrier implements Carrier {
  readonly partitions = PARTITIONS;
  readonly #link: NatsLink;
  readonly #jsm: JetStreamManager;
  readonly #options: NatsCarrierOptions;
  readonly #parts: readonly NatsPartition[];

  constructor(
    link: NatsLink,
    jsm: JetStreamManager,
    options: NatsCarrierOptions,
    parts: readonly NatsPartition[],
  ) {
    this.#link = link;
    this.#jsm = jsm;
    this.#options = options;
    this.#parts = parts;
  }

  async append(events: readonly OutboxEvent[]): Promise<readonly StoredEvent[]> {
    const groups = Map.groupBy(events, (event) => partitionOfKey(event.key));
    // All are waited for, so that nothing of this call is under way when it fails.
    const done = await Promise.allSettled(
      [...groups].map(([partition, group]) => this.#part(partition).append(group)),
    );
    const stored = new Map<string, StoredEvent>();
    for (const one of done) {
      if (one.status === "rejected") throw one.reason;
      for (const event of one.value) stored.set(event.eventId, event);
    }
    return events.flatMap((event) => stored.get(event.eventId) ?? []);
  }

  read(
    partition: number,
    after: number,
    limit: number,
    bytesMax?: number,
  ): Promise<readonly StoredEvent[]> {
    return this.#part(partition).read(after, limit, bytesMax);
  }

  async heads(): Promise<readonly number[]> {
    return Promise.all(this.#parts.map(async (part) => (await part.bounds()).last));
  }

  offsetBefore(partition: number, atMs: number): Promise<number> {
    return this.#part(partition).offsetBefore(atMs);
  }

  async durability(): ReturnType<Carrier["durability"]> {
    const names = this.#parts.map((_, partition) => streamOf(this.#options.prefix, partition));
    const infos = await this.#link.ask(() =>
      Promise.all(names.map((name) => this.#jsm.streams.info(name))),
    );
    const version = this.#link.connection.info?.version ?? "unknown";
    return durabilityOf({
      version,
      storage: infos.every((info) => info.config.storage === StorageType.File) ? "file" : "memory",
      replicas: Math.min(...infos.map((info) => info.config.num_replicas)),
      sync: syncSettingOf(version, await this.#readJsz()),
      hasSeparatePower: this.#options.hasSeparatePower ?? false,
    });
  }

  async prune(olderThanMs: number, completed: readonly number[]): Promise<number> {
    const counts = this.#parts.map(async (part, partition) => {
      const old = await part.storedBefore(olderThanMs);
      return part.forgetUpTo(Math.min(old, completed[partition] ?? 0));
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  #part(partition: number): NatsPartition {
    const part = this.#parts[partition];
    if (part === undefined) throw new Error(`There is no partition ${partition}.`);
    return part;
  }

  async #readJsz(): Promise<unknown> {
    if (this.#options.monitorUrl === undefined) return null;
    const url = `${this.#options.monitorUrl}/jsz?config=true`;
    try {
      const answer = await request(url, {
        headersTimeout: REQUEST_TIMEOUT_MS,
        bodyTimeout: REQUEST_TIMEOUT_MS,
      });
      return await answer.body.json();
    } catch (error) {
      // Not known is told as not promised; the log itself does not need this port.
      this.#options.logger.warn("bus.nats-monitor-unreachable", errorFields(error));
      return null;
    }
  }
}

async function connectTo(servers: string): Promise<NatsConnection> {
  try {
    return await connect({
      servers: servers.split(","),
      name: "tideway-bus",
      timeout: CONNECT_TIMEOUT_MS,
      // It comes back by itself, however long it takes; meanwhile each call fails within its time.
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
    });
  } catch (error) {
    throw unavailable(error);
  }
}

function openPartitions(
  link: NatsLink,
  jsm: JetStreamManager,
  options: NatsCarrierOptions,
): Promise<readonly NatsPartition[]> {
  const writer = randomBytes(12).toString("hex");
  return Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      const stream = streamOf(options.prefix, partition);
      const subject = `${options.prefix}.log.${partition}`;
      const info = await ensureStream(jsm, stream, subject, options);
      checkStream(info, subject);
      return new NatsPartition(
        {
          link,
          jsm,
          stream,
          subject,
          partition,
          writer,
          duplicateWindowMs: info.config.duplicate_window / NANOS_PER_MS,
          now: options.now ?? Date.now,
        },
        info.state.last_seq,
      );
    }),
  );
}

async function ensureStream(
  jsm: JetStreamManager,
  stream: string,
  subject: string,
  options: NatsCarrierOptions,
): Promise<StreamInfo> {
  try {
    return await jsm.streams.info(stream);
  } catch (error) {
    const isMissing =
      error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
    if (!isMissing) throw unavailable(error);
  }
  return jsm.streams.add({
    name: stream,
    subjects: [subject],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    // A full stream refuses new events, which then wait in their outboxes; it never drops old ones.
    discard: DiscardPolicy.New,
    num_replicas: options.replicas ?? 1,
    duplicate_window: (options.duplicateWindowMs ?? DUPLICATE_WINDOW_MS) * NANOS_PER_MS,
    deny_delete: true,
  });
}

/** An operator may have made or changed the stream; what would lose events is refused. */
function checkStream({ config }: StreamInfo, subject: string): void {
  const problems: string[] = [];
  if (config.retention !== RetentionPolicy.Limits) problems.push("its retention is not limits");
  if (config.discard !== DiscardPolicy.New) problems.push("it discards old events when it is full");
  if ((config.max_age ?? 0) > 0) problems.push("it forgets events by their age");
  if (!config.subjects.includes(subject)) problems.push(`it does not take ${subject}`);
  if (problems.length === 0) return;
  const given = { stream: config.name, problem: problems.join("; ") };
  throw natsErrors.error("CARRIER_MISCONFIGURED", { given });
}

function streamOf(prefix: string, partition: number): string {
  return `${prefix}-${partition}`;
}
