/**
 * Where the log of events is kept: our own database, or NATS JetStream. Both give dense offsets per
 * partition, keep what they acknowledged, and take the same event once.
 */
export interface OutboxEvent {
  /** A UUID; everybody outside the log knows it as evt_... (`eventIdOf`). */
  readonly eventId: string;
  readonly source: string;
  readonly type: string;
  readonly key: string;
  /** JSON text. */
  readonly data: string;
  readonly traceparent: string | null;
  /** When its transaction wrote it, RFC 3339. */
  readonly at: string;
}

export interface StoredEvent extends OutboxEvent {
  readonly partition: number;
  /** From 1, without gaps within a partition. */
  readonly offset: number;
}

export interface Durability {
  /** One line for operators: what survives what, by the carrier's present settings. */
  readonly sentence: string;
  /** False where an acknowledged event may be lost by a loss of power. */
  readonly isDurable: boolean;
  readonly settings: Readonly<Record<string, string>>;
}

export interface LogSpan {
  readonly partition: number;
  readonly after: number;
  readonly upTo: number;
}

export interface Carrier {
  readonly partitions: number;
  /**
   * Appends in the given order and resolves when all are durable. An event id that is there already
   * is not appended again, and is answered with the offset it has. Only the fenced owner of the log
   * may append; throws BUS_FENCED otherwise.
   */
  append(events: readonly OutboxEvent[]): Promise<readonly StoredEvent[]>;
  /**
   * At most `limit` events above `after`, in order. The one with which their data reach `bytesMax`
   * is the last one; without it their bytes are not limited.
   */
  read(
    partition: number,
    after: number,
    limit: number,
    bytesMax?: number,
  ): Promise<readonly StoredEvent[]>;
  /** The last offset of each partition, 0 for an empty one. */
  heads(): Promise<readonly number[]>;
  /** The offset before the first event at or after this moment (milliseconds since 1970). */
  offsetBefore(partition: number, atMs: number): Promise<number>;
  /**
   * How many events of these spans `(after, upTo]` have one of these types, looking at no more than
   * `limit` of them. Left out where the log would have to be read for it.
   */
  countTypes?(
    spans: readonly LogSpan[],
    types: readonly string[],
    limit: number,
  ): Promise<{ readonly looked: number; readonly matching: number }>;
  durability(): Promise<Durability>;
  /** Forgets events older than this that every group has completed; answers how many. */
  prune(olderThanMs: number, completed: readonly number[]): Promise<number>;
  close(): Promise<void>;
}

/** The partition of a key: the same in every carrier. */
export const PARTITIONS = 8;
