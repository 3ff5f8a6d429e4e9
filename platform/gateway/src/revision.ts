/**
 * One revision's endpoints and the requests that wait for them. Of two endpoints taken by chance
 * the less loaded one gets the request ("power of two choices"); when none is healthy or none has
 * room, requests wait in arrival order, up to a bound.
 */
import type { Grant } from "@tideway/schema";
import type { RevisionConfig } from "./config.ts";
import { Counters } from "./counters.ts";
import type { Demand } from "./demand.ts";
import { Endpoint } from "./endpoint.ts";
import { ENDPOINT_REQUESTS_MAX, QUEUE_REQUESTS_MAX } from "./limits.ts";
import { createRouter } from "./router.ts";
import type { Router } from "./router.ts";

/** A request in the queue. */
export interface Waiter {
  /** An endpoint is free for it; it has left the queue. */
  proceed(endpoint: Endpoint): void;
  /** The configuration changed: it may belong to another revision now. */
  reconsider(): void;
}

export class Revision {
  readonly id: string;
  readonly service: string;
  readonly counters = new Counters();
  router: Router;
  calls: ReadonlySet<string>;
  grants: readonly Grant[];
  endpoints: readonly Endpoint[] = [];
  inFlight = 0;
  #available: readonly Endpoint[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #demand: Demand;

  constructor(service: string, config: RevisionConfig, demand: Demand) {
    this.#demand = demand;
    this.id = config.id;
    this.service = service;
    this.router = createRouter(config.routes);
    this.calls = new Set(config.calls);
    this.grants = config.grants;
  }

  /** Takes over routes, calls and endpoints; endpoints that stay keep their connections. */
  configure(config: RevisionConfig): void {
    this.router = createRouter(config.routes);
    this.calls = new Set(config.calls);
    this.grants = config.grants;
    const kept = new Map(this.endpoints.map((endpoint) => [endpoint.config.instance, endpoint]));
    const next = config.endpoints.map((wanted) => {
      const before = kept.get(wanted.instance);
      if (before === undefined || !isSame(before.config, wanted)) return new Endpoint(wanted);
      kept.delete(wanted.instance);
      return before;
    });
    for (const gone of kept.values()) gone.retire();
    this.endpoints = next;
    // Nobody is woken here: the split may have changed too, so all who wait are routed again.
    this.#refresh();
  }

  /** All endpoints go; requests in flight finish where they are. */
  retire(): void {
    for (const endpoint of this.endpoints) endpoint.retire();
    this.endpoints = [];
    this.#available = [];
  }

  /** A healthy endpoint with room, or null. `except` is left out. */
  pick(except: Endpoint | null = null): Endpoint | null {
    const pool =
      except === null ? this.#available : this.#available.filter((one) => one !== except);
    const count = pool.length;
    const first = Math.floor(Math.random() * count);
    const one = pool[first];
    if (one === undefined) return null;
    if (count === 1) return hasRoom(one) ? one : null;
    const other = pool[(first + 1 + Math.floor(Math.random() * (count - 1))) % count];
    const better = other !== undefined && other.inFlight < one.inFlight ? other : one;
    return hasRoom(better) ? better : (pool.find(hasRoom) ?? null);
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** False: the queue is full. */
  enqueue(waiter: Waiter): boolean {
    if (this.#waiters.size >= QUEUE_REQUESTS_MAX) return false;
    this.#waiters.add(waiter);
    if (this.endpoints.length === 0) this.#demand.arose();
    return true;
  }

  leave(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  /** Lets those who wait go on, as far as there is room. */
  wake(): void {
    for (const waiter of this.#waiters) {
      const endpoint = this.pick();
      if (endpoint === null) return;
      this.#waiters.delete(waiter);
      waiter.proceed(endpoint);
    }
  }

  /** Everyone in the queue is routed again. */
  reconsiderAll(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.reconsider();
  }

  begin(endpoint: Endpoint): void {
    endpoint.inFlight++;
    this.inFlight++;
  }

  end(endpoint: Endpoint): void {
    endpoint.inFlight--;
    this.inFlight--;
    if (this.#waiters.size > 0) this.wake();
  }

  markHealth(endpoint: Endpoint, healthy: boolean): void {
    if (healthy) endpoint.probeTimeouts = 0;
    if (endpoint.healthy === healthy) return;
    endpoint.healthy = healthy;
    this.#refresh();
    if (healthy) this.wake();
  }

  #refresh(): void {
    this.#available = this.endpoints.filter((endpoint) => endpoint.healthy && !endpoint.retired);
  }
}

function hasRoom(endpoint: Endpoint): boolean {
  return endpoint.inFlight < ENDPOINT_REQUESTS_MAX;
}

function isSame(a: RevisionConfig["endpoints"][number], b: typeof a): boolean {
  return a.url === b.url && a.authHash === b.authHash && a.assertionKey === b.assertionKey;
}
