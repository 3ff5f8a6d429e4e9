/**
 * Wakes services that sleep through their due work (sagas, timers), by a request: the gateway then
 * wants an instance of it. Every second it looks at `tideway_due` of each service's database.
 */
import type { Clock } from "@tideway/kernel";
import { DEADLINE_MS_DEFAULT, wakeUp } from "@tideway/schema";
import { withDatabase } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import type { BusService } from "../config.ts";
import { NEVER_WOKEN, wakeStep, woken } from "./due-machine.ts";
import type { WakeState } from "./due-machine.ts";
import { DueReader } from "./due-reader.ts";
import type { PlatformCaller } from "./platform-call.ts";

export interface DueWatchOptions {
  /** The relay login's address; its database is replaced with each service's. */
  readonly relayUrl: string;
  readonly caller: PlatformCaller;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1). */
  readonly random?: () => number;
}

export interface DueWatch {
  /** Watches the databases of these services, and no others. */
  configure(services: readonly BusService[]): void;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 1_000;
/** Looks are spread by this part of the time, so that not all databases are asked at once. */
const JITTER_PART = 0.2;

/** Begins to watch; nothing is read before the first `configure`. */
export function startDueWatch(options: DueWatchOptions): DueWatch {
  const watched = new Map<string, WatchedService>();
  const ending = new Set<Promise<void>>();
  const end = (key: string): void => {
    const done = watched
      .get(key)
      ?.stop()
      .finally(() => ending.delete(done ?? Promise.resolve()));
    watched.delete(key);
    if (done !== undefined) ending.add(done);
  };
  return {
    configure: (services) => {
      const wanted = new Map(
        services.flatMap(({ name, database }): [string, [string, string]][] =>
          database === null ? [] : [[`${name} ${database}`, [name, database]]],
        ),
      );
      for (const key of watched.keys()) if (!wanted.has(key)) end(key);
      for (const [key, [service, database]] of wanted) {
        if (!watched.has(key)) watched.set(key, new WatchedService(options, service, database));
      }
    },
    stop: async () => {
      for (const key of watched.keys()) end(key);
      await Promise.all(ending);
    },
  };
}

class WatchedService {
  readonly #options: DueWatchOptions;
  readonly #service: string;
  readonly #reader: DueReader;
  readonly #stopping = new AbortController();
  #state: WakeState = NEVER_WOKEN;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();
  #waking: Promise<void> = Promise.resolve();

  constructor(options: DueWatchOptions, service: string, database: string) {
    this.#options = options;
    this.#service = service;
    this.#reader = new DueReader({
      service,
      url: withDatabase(options.relayUrl, database),
      logger: options.logger,
      now: () => options.clock.monotonic(),
    });
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("The bus ends."));
    if (this.#timer !== null) clearTimeout(this.#timer);
    await Promise.all([this.#looking, this.#waking]);
    await this.#reader.close();
  }

  #schedule(): void {
    if (this.#stopping.signal.aborted) return;
    const random = this.#options.random ?? Math.random;
    const waitMs = LOOK_EVERY_MS * (1 - JITTER_PART / 2 + random() * JITTER_PART);
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().finally(() => this.#schedule());
    }, waitMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const work = await this.#reader.read();
    if (work === null || this.#stopping.signal.aborted) return;
    const { state, wakes } = wakeStep(this.#state, work, this.#options.clock.monotonic());
    this.#state = state;
    // Looking goes on meanwhile: a service that starts may take longer than a second.
    if (wakes) this.#waking = this.#wake(work.overdue);
  }

  async #wake(overdue: number): Promise<void> {
    const { caller, logger } = this.#options;
    const fields = { sleeper: this.#service, overdue };
    try {
      const { status } = await caller.post({
        service: this.#service,
        path: wakeUp.path,
        body: null,
        deadlineMs: DEADLINE_MS_DEFAULT,
        signal: this.#stopping.signal,
      });
      logger[status === 200 ? "info" : "warn"]("due.woken", { ...fields, status });
    } catch (error) {
      if (!this.#stopping.signal.aborted) {
        logger.warn("due.not-woken", { ...fields, ...errorFields(error) });
      }
    } finally {
      this.#state = woken(this.#state);
    }
  }
}
