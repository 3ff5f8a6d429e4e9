/**
 * The connection to NATS, as something that comes and goes. The client forgets what it was asked
 * while it was away, and waits out each question's time for answers that cannot come any more; so
 * questions wait here until it is back, and those under way fail as soon as it is lost.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { unavailable } from "./nats-errors.ts";

/** How long a question waits for the connection before it fails. */
const AWAY_MS_MAX = 5_000;

export class NatsLink {
  readonly connection: NatsConnection;
  readonly #logger: Logger;
  readonly #underWay = new Set<(reason: Error) => void>();
  readonly #waiting = new Set<() => void>();
  #isConnected = true;

  constructor(connection: NatsConnection, logger: Logger) {
    this.connection = connection;
    this.#logger = logger;
    void this.#watch();
  }

  /** The answer. Throws CARRIER_UNAVAILABLE when it failed, or when the connection was lost. */
  async ask<T>(question: () => Promise<T>): Promise<T> {
    if (!this.#isConnected) await this.#back();
    const { promise: lost, reject } = Promise.withResolvers<never>();
    this.#underWay.add(reject);
    try {
      return await Promise.race([question(), lost]);
    } catch (error) {
      throw unavailable(error);
    } finally {
      this.#underWay.delete(reject);
    }
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === "disconnect") {
        this.#isConnected = false;
        this.#logger.warn("bus.nats-disconnected");
        for (const reject of this.#underWay) reject(new Error("the connection was lost"));
      } else if (status.type === "reconnect") {
        this.#isConnected = true;
        this.#logger.info("bus.nats-reconnected");
        for (const resume of this.#waiting) resume();
      } else if (status.type === "error") {
        this.#logger.warn("bus.nats-error", errorFields(status.error));
      }
    }
  }

  #back(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(resume);
        reject(unavailable(new Error(`no server answered within ${AWAY_MS_MAX} ms`)));
      }, AWAY_MS_MAX);
      const resume = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(resume);
        resolve();
      };
      this.#waiting.add(resume);
    });
  }
}
