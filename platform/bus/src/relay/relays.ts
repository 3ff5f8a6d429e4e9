/** One relay for each service that has a database. */
import { withDatabase } from "@tideway/store";
import type { BusConfig } from "../config.ts";
import { startRelay } from "./relay-driver.ts";
import type { Relay, RelayOptions } from "./relay-driver.ts";

export interface RelaysOptions extends Omit<RelayOptions, "service" | "url"> {
  /** The relay login's address; its database part is replaced. */
  readonly relayUrl: string;
}

export class Relays {
  readonly #options: RelaysOptions;
  readonly #running = new Map<string, { readonly database: string; readonly relay: Relay }>();
  /** Relays that end what they have under way, in the background. */
  readonly #ending = new Map<string, Promise<void>>();
  #wanted: ReadonlyMap<string, string | null> = new Map();

  constructor(options: RelaysOptions) {
    this.#options = options;
  }

  get all(): readonly Relay[] {
    return [...this.#running.values()].map(({ relay }) => relay);
  }

  /** Relays come and go with the services; nobody waits for one that goes. */
  configure(config: BusConfig): void {
    this.#wanted = new Map(config.services.map(({ name, database }) => [name, database]));
    for (const [service, { database, relay }] of this.#running) {
      if (this.#wanted.get(service) === database) continue;
      this.#running.delete(service);
      this.#end(service, relay);
    }
    this.#startMissing();
  }

  async stop(): Promise<void> {
    this.#wanted = new Map();
    const all = this.all;
    this.#running.clear();
    await Promise.all([...all.map((relay) => relay.stop()), ...this.#ending.values()]);
  }

  #startMissing(): void {
    for (const [service, database] of this.#wanted) {
      // Of one service there is one relay: the next begins when the one before has ended.
      const isThere = this.#running.has(service) || this.#ending.has(service);
      if (database === null || isThere) continue;
      const url = withDatabase(this.#options.relayUrl, database);
      const relay = startRelay({ ...this.#options, service, url });
      this.#running.set(service, { database, relay });
    }
  }

  #end(service: string, relay: Relay): void {
    const ended = relay.stop().finally(() => {
      this.#ending.delete(service);
      this.#startMissing();
    });
    this.#ending.set(service, ended);
  }
}
