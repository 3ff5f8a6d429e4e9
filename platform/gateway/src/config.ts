/**
 * What control tells the gateway, and what the gateway tells control. Both talk over a Unix
 * socket in TIDEWAY_HOME (mode 0600). The gateway keeps the last configuration on disk, so that it
 * serves while control is dead; an older epoch is refused.
 *
 *   PUT /config    GatewayConfig            -> 200 { epoch } | 409 when the epoch is older
 *   GET /state                              -> GatewayState
 *   GET /splits                             -> SplitsPage
 *   GET /demand?after=N                     -> { count } as soon as it is not N, after 10 s anyway
 *   GET /evidence?service=S&rollout=R&after=N -> EvidencePage
 *   GET /metrics                            -> Prometheus text
 */
import type { Grant, ManifestRoute, PlatformCaller } from "@tideway/schema";

export interface GatewayConfig {
  /** Grows with each change. The gateway refuses an older one, and takes the same one again. */
  readonly epoch: number;
  /** Sent with every configuration; the gateway's own start options decide where it listens. */
  readonly services: readonly ServiceConfig[];
  /** Built apps served from folders; the longest matching path wins. */
  readonly apps: readonly AppConfig[];
  /** Where the keys of people's tokens come from. */
  readonly tokens: { readonly service: string; readonly path: string; readonly issuer: string };
  /** Parts of the platform that call services: each may call every route with auth "platform". */
  readonly platformCallers?: readonly PlatformCallerConfig[];
}

export interface PlatformCallerConfig {
  readonly name: PlatformCaller;
  /** Hex; recognises its secret, as of an instance. Sent as `tideway-instance: <name>:<secret>`. */
  readonly authHash: string;
}

export interface AppConfig {
  /** "/" or "/pay". Unknown paths below it answer its index.html. */
  readonly path: string;
  readonly folder: string;
}

export interface ServiceConfig {
  readonly name: string;
  readonly enforcesGrants: boolean;
  readonly split: Split;
  readonly revisions: readonly RevisionConfig[];
}

/** Which revision a person meets: the candidate when hash(salt, person) < weight / 100. */
export interface Split {
  readonly stable: string;
  readonly candidate: string | null;
  /** Percent of people, 0 to 100. */
  readonly weight: number;
  /** The rollout's id: salt of the hash and key of the evidence. Null when there is none. */
  readonly rollout: string | null;
}

export interface RevisionConfig {
  /** For example payments-7. */
  readonly id: string;
  readonly routes: readonly ManifestRoute[];
  /** Services whose routes this revision may call. */
  readonly calls: readonly string[];
  readonly grants: readonly Grant[];
  /** Only instances that are ready. None: requests wait in the bounded queue. */
  readonly endpoints: readonly Endpoint[];
}

export interface Endpoint {
  readonly instance: string;
  /** For example http://127.0.0.1:40123. */
  readonly url: string;
  /** Hex; recognises the instance as a caller. */
  readonly authHash: string;
  /** Hex; signs assertions to it as a callee. */
  readonly assertionKey: string;
}

export type Lane = "stable" | "candidate";
export type BadReason = "5xx" | "timeout" | "lost";

/** A person met a lane for the first time in this rollout, or got their first bad answer of it. */
export interface EvidenceRecord {
  readonly seq: number;
  readonly kind: "seen" | "bad";
  readonly lane: Lane;
  /** 16 hex digits of a salted hash; never an id. */
  readonly person: string;
  /** The weight in force when the request was routed, in percent. */
  readonly weight: number;
  readonly atMs: number;
  /** For bad ones: what failed, to look up in logs. */
  readonly route: string | null;
  readonly status: number | null;
  readonly reason: BadReason | null;
  readonly traceId: string | null;
  readonly durationMs: number | null;
}

/** First attempts by route, for the hard fail. */
export interface RouteEvidence {
  readonly route: string;
  readonly stable: { readonly total: number; readonly bad: number };
  readonly candidate: { readonly total: number; readonly bad: number; readonly runMax: number };
}

export interface EvidencePage {
  /** A new one after each start of the gateway: read from the beginning again. */
  readonly bootId: string;
  readonly records: readonly EvidenceRecord[];
  /** Pass it as `after` next time. */
  readonly next: number;
  /** Records lost because nobody fetched them in time (the ring holds 65,536). */
  readonly dropped: number;
  readonly routes: readonly RouteEvidence[];
}

/** Upper bounds of the latency buckets in milliseconds; one more bucket counts what is above. */
export const LATENCY_BUCKETS_MS = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 2_000, 5_000, 10_000,
] as const;

export interface RevisionCounters {
  readonly revision: string;
  /** First attempts since the gateway started. */
  readonly requests: number;
  readonly bad: number;
  readonly status2xx: number;
  readonly status4xx: number;
  readonly status5xx: number;
  readonly timeouts: number;
  readonly lost: number;
  readonly inFlight: number;
  /** One count a bucket of LATENCY_BUCKETS_MS, plus the overflow. */
  readonly latency: readonly number[];
  readonly endpoints: readonly {
    readonly instance: string;
    readonly healthy: boolean;
    readonly inFlight: number;
  }[];
}

export interface ServiceCounters {
  readonly service: string;
  readonly queued: number;
  /** Distinct people of the last 10 s, and those with a bad first attempt. */
  readonly people: { readonly seen: number; readonly bad: number };
  readonly revisions: readonly RevisionCounters[];
}

export interface GatewayState {
  readonly bootId: string;
  readonly epoch: number;
  readonly startedAtMs: number;
  readonly services: readonly ServiceCounters[];
}

/** How a service's traffic is divided now, for whoever delivers by ordering key. */
export interface SplitView extends Split {
  readonly service: string;
  /**
   * The configuration with which this split came into force here. A delivery pinned to an older
   * one (`tideway-pin`) is answered 409 SPLIT_EPOCH_STALE and reaches no instance.
   */
  readonly epoch: number;
}

export interface SplitsPage {
  readonly bootId: string;
  readonly services: readonly SplitView[];
}
