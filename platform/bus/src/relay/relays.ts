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

  constructor(options: RelaysOptions) {
    this.#options = options;
  }

  get all(): readonly Relay[] {
    return [...this.#running.values()].map(({ relay }) => relay);
  }

  /** Relays come and go with the services. */
  async configure(config: BusConfig): Promise<void> {
    const wanted = new Map(config.services.map(({ name, database }) => [name, database]));
    for (const [service, { database, relay }] of this.#running) {
      if (wanted.get(service) === database) continue;
      this.#running.delete(service);
      await relay.stop();
    }
    for (const [service, database] of wanted) {
      if (database === null || this.#running.has(service)) continue;
      const url = withDatabase(this.#options.relayUrl, database);
      const relay = startRelay({ ...this.#options, service, url });
      this.#running.set(service, { database, relay });
    }
  }

  async stop(): Promise<void> {
    const all = this.all;
    this.#running.clear();
    await Promise.all(all.map((relay) => relay.stop()));
  }
}
