/** The last configuration, in the bus's database, so that it goes on while control is dead. */
import { tx } from "@tideway/store";
import type { BusConfig } from "./config.ts";
import type { Writer } from "./delivery/flow-store.ts";
import { busErrors } from "./errors.ts";
import { fencedOr } from "./ownership.ts";

type Listener = (config: BusConfig) => void;

export class ConfigStore {
  readonly #writer: Writer;
  readonly #listeners = new Set<Listener>();
  #current: BusConfig | null = null;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  get current(): BusConfig | null {
    return this.#current;
  }

  async load(): Promise<BusConfig | null> {
    const { rows } = await this.#writer.pool.query<{ body: BusConfig }>("select body from config");
    this.#current = rows[0]?.body ?? null;
    return this.#current;
  }

  /** Keeps it. Throws BUS_EPOCH_STALE for an older one; the same one is taken again. */
  async put(config: BusConfig): Promise<void> {
    const { pool, fence } = this.#writer;
    this.#refuseOlder(config);
    try {
      await tx(pool, async (t) => {
        await t.query("select check_fence($1)", [fence]);
        await t.query(
          `insert into config (epoch, body) values ($1, $2)
           on conflict (only_one) do update set epoch = excluded.epoch, body = excluded.body
           where config.epoch <= excluded.epoch`,
          [config.epoch, JSON.stringify(config)],
        );
      });
    } catch (error) {
      throw fencedOr(error, fence);
    }
    this.#refuseOlder(config);
    this.#current = config;
    for (const listener of this.#listeners) listener(config);
  }

  /** Called with the present configuration, if there is one, and with each new one. */
  follow(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#current !== null) listener(this.#current);
    return () => this.#listeners.delete(listener);
  }

  #refuseOlder(config: BusConfig): void {
    const current = this.#current?.epoch ?? 0;
    if (config.epoch >= current) return;
    throw busErrors.error("BUS_EPOCH_STALE", { given: { given: config.epoch, current } });
  }
}
