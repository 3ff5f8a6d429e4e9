/**
 * What control tells the bus, over `run/bus.sock` (mode 0600). The bus keeps the last one in its
 * database, so that it goes on while control is dead; an older epoch is refused with 409.
 *
 *   PUT  /config                     BusConfig -> { epoch }
 *   GET  /health                     -> 200 BusHealth | 503
 *   GET  /metrics                    -> Prometheus text
 *   GET  /groups                     -> { groups: GroupView[] }     a group is a consuming service
 *   GET  /groups/S/keys?state=&after=&limit= -> { items: KeyView[], next }
 *   POST /groups/S/redrive           { key? } -> { keys }             all quarantined keys, or one
 *   POST /groups/S/replay            ReplayRequest -> { replay }
 *   GET  /events?type=&key=&after=&limit= -> { items: LoggedEvent[], next }
 */
import type { Consumption, Emission } from "@tideway/schema";

export interface BusConfig {
  readonly epoch: number;
  readonly services: readonly BusService[];
}

export interface BusHealth {
  readonly status: "ok";
  /** Of the configuration in force. */
  readonly epoch: number;
  /** What the settings of the log and of the bus's own database gave when the bus started. */
  readonly durability: {
    /** False where a loss of power may cost events that were acknowledged. */
    readonly isDurable: boolean;
    readonly sentence: string;
  };
}

export interface BusService {
  readonly name: string;
  /** The name of its database, whose outbox and `tideway_due` are read; null without one. */
  readonly database: string | null;
  /** The stable revision, and the candidate while there is one. */
  readonly revisions: readonly BusRevision[];
}

export interface BusRevision {
  readonly id: string;
  readonly consumes: readonly Consumption[];
  readonly emits: readonly Emission[];
  /** Job -> cron expression. Only the stable revision's jobs run. */
  readonly cron: Readonly<Record<string, string>>;
}

export interface GroupView {
  readonly group: string;
  readonly state: "running" | "suspended";
  /** Why it is suspended, and since when (RFC 3339). */
  readonly reason: string | null;
  readonly since: string | null;
  /** Events of its types that are not completed yet; those behind keys in trouble count too. */
  readonly lag: number;
  /** There when more than 100,000 wait, or when the log cannot count by type. */
  readonly lagIsApproximate?: true;
  /** Age of the oldest of them in milliseconds. */
  readonly lagAgeMs: number;
  readonly keysQuarantined: number;
  readonly inFlight: number;
  readonly appliedTotal: number;
  readonly failedTotal: number;
}

export interface KeyView {
  readonly group: string;
  readonly key: string;
  readonly state: "retrying" | "quarantined";
  readonly eventId: string;
  readonly type: string;
  readonly tries: number;
  readonly code: string;
  readonly detail: string;
  /** The revision whose answer was the last failure. */
  readonly revision: string;
  /** Events of the key that wait behind it, itself included. */
  readonly waiting: number;
  readonly since: string;
  readonly nextTryAt: string | null;
}

export interface ReplayRequest {
  /** Where to begin: one of these. */
  readonly from: { readonly time: string } | { readonly eventId: string } | "beginning";
  readonly types?: readonly string[];
}

export interface LoggedEvent {
  readonly id: string;
  readonly type: string;
  readonly key: string;
  readonly source: string;
  readonly partition: number;
  readonly offset: number;
  readonly at: string;
  readonly bytes: number;
}
