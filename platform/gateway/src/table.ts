/**
 * Everything a configuration names, as living things. Applying one is a single synchronous step:
 * no request sees half of it. What stays keeps its connections and counters; what goes gets no new
 * requests and ends when its last one has.
 */
import type { AppConfig, GatewayConfig, PlatformCallerConfig } from "./config.ts";
import { Demand } from "./demand.ts";
import { CALLER_GRACE_MS, CALLERS_DEPARTED_MAX } from "./limits.ts";
import type { Revision } from "./revision.ts";
import { Service } from "./service.ts";

/** Who calls: an instance, or a part of the platform. */
export interface CallerEntry {
  /** The service's name, or the part's: bus, control. */
  readonly service: string;
  /** Null for a part of the platform. */
  readonly revision: Revision | null;
  /** Null for a part of the platform. */
  readonly instance: string | null;
  /** Hex; its secret's hash. */
  readonly authHash: string;
  /** Milliseconds since 1970 after which it is forgotten; null while it is configured. */
  readonly departsAtMs: number | null;
}

export class Table {
  epoch = 0;
  loaded = false;
  tokens: GatewayConfig["tokens"] = { service: "", path: "/", issuer: "" };
  apps: readonly AppConfig[] = [];
  readonly demand = new Demand();
  readonly services = new Map<string, Service>();
  #callers: ReadonlyMap<string, CallerEntry> = new Map();
  #parts: ReadonlyMap<string, CallerEntry> = new Map();

  apply(config: GatewayConfig, nowMs: number): void {
    this.epoch = config.epoch;
    this.tokens = config.tokens;
    this.apps = config.apps;
    const gone = new Map(this.services);
    for (const wanted of config.services) {
      const service = this.services.get(wanted.name) ?? new Service(wanted.name, this.demand);
      gone.delete(wanted.name);
      this.services.set(wanted.name, service);
      service.configure(wanted, config.epoch);
    }
    for (const [name, service] of gone) {
      this.services.delete(name);
      service.retire();
    }
    this.#callers = callersOf(this.services, this.#callers, nowMs);
    this.#parts = new Map(
      (config.platformCallers ?? []).map((part) => [part.name, partEntry(part)]),
    );
    this.loaded = true;
  }

  /** By the name that the header gives: an instance's, or that of a part of the platform. */
  caller(instance: string, nowMs: number): CallerEntry | null {
    const part = this.#parts.get(instance);
    if (part !== undefined) return part;
    const entry = this.#callers.get(instance);
    if (entry === undefined) return null;
    return entry.departsAtMs !== null && entry.departsAtMs < nowMs ? null : entry;
  }

  *revisions(): Generator<Revision> {
    for (const service of this.services.values()) yield* service.revisions.values();
  }
}

function partEntry({ name, authHash }: PlatformCallerConfig): CallerEntry {
  return { service: name, revision: null, instance: null, authHash, departsAtMs: null };
}

/** Those configured, and for a while those who were: a draining instance still calls others. */
function callersOf(
  services: ReadonlyMap<string, Service>,
  before: ReadonlyMap<string, CallerEntry>,
  nowMs: number,
): Map<string, CallerEntry> {
  const callers = new Map<string, CallerEntry>();
  for (const service of services.values()) {
    for (const revision of service.revisions.values()) {
      for (const { config } of revision.endpoints) {
        callers.set(config.instance, {
          service: service.name,
          revision,
          instance: config.instance,
          authHash: config.authHash,
          departsAtMs: null,
        });
      }
    }
  }
  let departed = 0;
  for (const [instance, entry] of before) {
    if (callers.has(instance) || departed >= CALLERS_DEPARTED_MAX) continue;
    const departsAtMs = entry.departsAtMs ?? nowMs + CALLER_GRACE_MS;
    if (departsAtMs < nowMs) continue;
    callers.set(instance, { ...entry, departsAtMs });
    departed++;
  }
  return callers;
}
