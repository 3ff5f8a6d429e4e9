/** What goes into the delivery machine, what it remembers, and what it wants done. */
import type { StoredEvent } from "../carrier.ts";

/** An event of the log with what the machine needs to know of it, worked out once. */
export interface DeliverableEvent extends StoredEvent {
  /** First 16 hex digits of the SHA-256 of its key: what the gateway splits by. */
  readonly keyDigits: string;
  /** Of the event as it is sent. */
  readonly bytes: number;
}

/** The gateway's split of the consuming service. */
export interface DeliverySplit {
  readonly stable: string;
  readonly candidate: string | null;
  /** Percent of the keys. */
  readonly weight: number;
  readonly rollout: string | null;
  readonly epoch: number;
}

/** Type -> whether its order matters, of one revision. */
export type Consumes = ReadonlyMap<string, "key" | "none">;

export type Lingers = ReadonlyMap<string, number>;

export interface DeliveryOptions {
  readonly partitions: number;
  /** Pure: the lane of a key under a split. */
  readonly laneOf: (split: DeliverySplit, keyDigits: string) => "stable" | "candidate";
  /** Events, and their bytes, that a partition holds in memory. */
  readonly windowEventsMax: number;
  readonly windowBytesMax: number;
  readonly batchEventsMax: number;
  readonly batchBytesMax: number;
  /** Events of one reading of the log, and of one reading of what is parked. */
  readonly readEventsMax: number;
  readonly parkedReadMax: number;
  /** Bytes of data of each; the event that reaches it is the reading's last one. */
  readonly readBytesMax: number;
  readonly parkedBytesMax: number;
  /** After try 1, 2, ...: how long until the next one. After the last of them comes quarantine. */
  readonly tryDelaysMs: readonly number[];
  /** Waiting after an outage of a revision. */
  readonly outageMs: { readonly baseMs: number; readonly maxMs: number };
  /** Waiting between probes of a suspended revision. */
  readonly probeMs: { readonly baseMs: number; readonly maxMs: number };
  readonly probeEventsMax: number;
  /** Suspension: so many distinct lanes tried in that time, and half of them failing. */
  readonly suspendLanesMin: number;
  readonly suspendWindowMs: number;
  /** Lanes in trouble at a time; more suspend the revision that failed them. */
  readonly lanesMax: number;
}

export const DELIVERY_DEFAULTS = {
  windowEventsMax: 2_000,
  windowBytesMax: 4 * 1_048_576,
  batchEventsMax: 200,
  batchBytesMax: 4 * 1_048_576,
  readEventsMax: 500,
  parkedReadMax: 100,
  // With the window a partition's share of 64 MiB a group: 4 held, 2 being read, 2 that come late.
  readBytesMax: 2 * 1_048_576,
  parkedBytesMax: 1_048_576,
  // 8 tries in 10 minutes: 1 + 4 + 15 + 40 + 90 + 180 + 270 = 600 seconds.
  tryDelaysMs: [1_000, 4_000, 15_000, 40_000, 90_000, 180_000, 270_000],
  outageMs: { baseMs: 100, maxMs: 5_000 },
  probeMs: { baseMs: 1_000, maxMs: 30_000 },
  probeEventsMax: 10,
  suspendLanesMin: 5,
  suspendWindowMs: 30_000,
  lanesMax: 10_000,
} as const;

/**
 * A lane is what keeps its order and is quarantined as one: an ordering key, or a single event of a
 * type whose order does not matter. A troubled lane's events live in the table of parked events.
 */
export interface TroubledLane {
  readonly lane: string;
  readonly key: string;
  readonly keyDigits: string;
  readonly partition: number;
  /** `redriving`: what is parked goes out again, first tries. */
  readonly state: "retrying" | "quarantined" | "redriving";
  /** The event that failed last. */
  readonly offset: number;
  readonly eventId: string;
  readonly type: string;
  readonly tries: number;
  readonly code: string;
  readonly detail: string;
  /** The revision whose answer was the last failure. */
  readonly revision: string;
  readonly sinceMs: number;
  /** Null while quarantined. */
  readonly nextTryAtMs: number | null;
}

/** A troubled lane in memory. */
export interface LaneInMemory extends TroubledLane {
  /** The first of its parked events, in order. */
  readonly loaded: readonly DeliverableEvent[];
  readonly phase: "rest" | "loading" | "in-flight" | "keeping" | "clearing";
  /** The next reading of its parked events may begin then. */
  readonly loadAtMs: number;
}

export interface Batch {
  readonly id: number;
  readonly partition: number;
  readonly revision: string;
  readonly epoch: number;
  readonly events: readonly DeliverableEvent[];
  /** Of each event, as it was when the batch was made: a type's order may change meanwhile. */
  readonly lanes: readonly string[];
  /** The first so many of the events were parked; the others came from the log. */
  readonly parked: number;
  /** Of a suspended revision: its failures count as no try. */
  readonly isProbe: boolean;
}

/** What must be in the database before it takes effect; doing it twice does no harm. */
export interface Keeping {
  /** Events that leave the log's order and wait in the table, each under its lane. */
  readonly park: readonly { readonly lane: string; readonly event: DeliverableEvent }[];
  /** Lanes to insert or to change. */
  readonly lanes: readonly TroubledLane[];
  /** Parked events that are done. */
  readonly release: readonly { readonly lane: string; readonly offset: number }[];
  /** Lanes that are over, unless something of theirs is still parked. */
  readonly clear: readonly string[];
}

/** A rule by which events wait in the log, passed over by the reading (see detours.ts). */
export interface Detour {
  /** The keys: those that this split gives this lane. */
  readonly split: DeliverySplit;
  readonly lane: "stable" | "candidate";
  /** Everything of these keys above this offset, as far as the log was read. */
  readonly after: number;
  /** How many these are; after a restart about as many. */
  readonly events: number;
  /** When the oldest of them, or one before it, was published; milliseconds since 1970. */
  readonly sinceMs: number;
}

export interface PartitionState {
  /** Everything up to here is completed, held in memory, or waits in the log by a detour. */
  readonly readTo: number;
  readonly detours: readonly Detour[];
  /** What is being read, or was read last, is what waits by a detour. */
  readonly isCatchingUp: boolean;
  /** The log's last offset, as far as we heard. */
  readonly head: number;
  readonly isReading: boolean;
  readonly readAtMs: number;
  /** What the log committed while it was being read: follows on what is read, or is read later. */
  readonly late: readonly DeliverableEvent[];
  /** More of what waits by a detour came while it was read than `late` holds. */
  readonly isLateCut: boolean;
  /** After a restart: up to `upTo` only these are not completed. */
  readonly resume: { readonly upTo: number; readonly open: ReadonlySet<number> } | null;
  /** From the log, by offset, in no batch. */
  readonly waiting: readonly DeliverableEvent[];
  /** What waits goes then at the latest; null while nothing waits, or it need not wait for others. */
  readonly lingersUntilMs: number | null;
  /** Lanes in trouble. */
  readonly lanes: ReadonlyMap<string, LaneInMemory>;
  /** At most one a revision. */
  readonly batches: readonly Batch[];
  readonly keeping: (Keeping & { readonly id: number; readonly retryAtMs: number | null }) | null;
  readonly toKeep: Keeping;
  /** Of the log's events held in memory, those in batches and being parked included. */
  readonly heldEvents: number;
  readonly heldBytes: number;
}

export interface RevisionFlow {
  readonly outage: {
    readonly failures: number;
    readonly untilMs: number;
    readonly reason: string;
  } | null;
  readonly suspension: {
    readonly sinceMs: number;
    readonly reason: string;
    readonly probes: number;
    readonly untilMs: number;
    /** Lanes probed already; the next probe prefers others. */
    readonly probed: ReadonlySet<string>;
  } | null;
  /** The last outcome of each lane tried lately. */
  readonly recent: ReadonlyMap<string, { readonly atMs: number; readonly failed: boolean }>;
}

export interface DeliveryState {
  readonly options: DeliveryOptions;
  readonly split: DeliverySplit | null;
  /** The gateway refused the epoch; nothing is sent until it told the present split. */
  readonly isSplitStale: boolean;
  readonly revisions: ReadonlyMap<string, Consumes>;
  /** Types that some revision consumes, and those of them whose order matters to nobody. */
  readonly consumed: ReadonlySet<string>;
  readonly unordered: ReadonlySet<string>;
  /** Type -> milliseconds that its events may wait for others; types that may not are left out. */
  readonly lingers: Lingers;
  readonly partitions: readonly PartitionState[];
  readonly flows: ReadonlyMap<string, RevisionFlow>;
  /** Where a replay ends, per partition; null for the living group. */
  readonly until: readonly number[] | null;
  readonly nextId: number;
  /** When every partition was last looked at. */
  readonly lookedAtMs: number;
  readonly isStopping: boolean;
  readonly appliedTotal: number;
  readonly failedTotal: number;
}

export interface Outcome {
  readonly outcome: "applied" | "duplicate" | "failed" | "skipped";
  readonly code?: string;
  readonly detail?: string;
}

export type DeliveryInput = { readonly nowMs: number; readonly jitter: number } & (
  | { readonly kind: "ticked" }
  /** Events that the log has just committed, in order; also those of other partitions. */
  | { readonly kind: "appended"; readonly events: readonly DeliverableEvent[] }
  | { readonly kind: "heads"; readonly heads: readonly number[] }
  | {
      readonly kind: "read";
      readonly partition: number;
      readonly events: readonly DeliverableEvent[];
      /** The `upTo` and the `limit` of the effect; the number of events where bytes cut them. */
      readonly upTo: number;
      readonly limit: number;
    }
  | { readonly kind: "read-failed"; readonly partition: number }
  /** The gateway's present split; null while it has none for this service. */
  | { readonly kind: "split"; readonly split: DeliverySplit | null }
  | {
      readonly kind: "configured";
      readonly revisions: ReadonlyMap<string, Consumes>;
      readonly lingers?: Lingers;
    }
  /** An instance answered: one outcome an event, in the batch's order. */
  | { readonly kind: "answered"; readonly batch: Batch; readonly outcomes: readonly Outcome[] }
  /** Nothing is known of any of them: no connection, a gateway's or a database's error, no time. */
  | { readonly kind: "unanswered"; readonly batch: Batch; readonly reason: string }
  /** 409: the pinned epoch is over, no instance was reached. */
  | { readonly kind: "stale"; readonly batch: Batch }
  | { readonly kind: "kept"; readonly partition: number; readonly id: number }
  /** Also when it is not known whether it was kept. */
  | { readonly kind: "keep-failed"; readonly partition: number; readonly id: number }
  | {
      readonly kind: "parked-read";
      readonly partition: number;
      readonly lane: string;
      readonly events: readonly DeliverableEvent[];
    }
  | { readonly kind: "parked-read-failed"; readonly partition: number; readonly lane: string }
  /** An operator's: one key's quarantined events, or everybody's. */
  | { readonly kind: "redrive"; readonly key: string | null }
  | { readonly kind: "stopped" }
);

export type DeliveryEffect =
  | { readonly kind: "deliver"; readonly batch: Batch }
  | {
      readonly kind: "read";
      readonly partition: number;
      readonly after: number;
      readonly upTo: number;
      readonly limit: number;
      readonly bytesMax: number;
    }
  | {
      readonly kind: "keep";
      readonly id: number;
      readonly partition: number;
      readonly keeping: Keeping;
    }
  /** The first parked events of a lane, by offset. */
  | {
      readonly kind: "read-parked";
      readonly lane: string;
      readonly partition: number;
      readonly limit: number;
      readonly bytesMax: number;
    }
  | { readonly kind: "refresh-split" };

export interface DeliveryStep {
  readonly state: DeliveryState;
  readonly effects: readonly DeliveryEffect[];
}

/** What is kept of a cursor: all up to `readTo` is completed but for `open` and the detours. */
export interface Cursor {
  readonly readTo: number;
  /** Offsets in rising order. */
  readonly open: readonly number[];
  readonly detours?: readonly Detour[];
}
