/** Measures the event loop's delay and refuses what is too much, by class. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { commonErrors } from "@tideway/kernel";
import type { RoutePriority } from "@tideway/schema";
import type { Metrics } from "@tideway/telemetry";
import { UNLOADED, WINDOW_MS, afterWindow } from "./load-shedding.ts";
import type { LoadState } from "./load-shedding.ts";

/** A turn of the loop is measured this often, in milliseconds. */
const RESOLUTION_MS = 10;
const NANOS_PER_MS = 1_000_000;

export interface LoadShedderOptions {
  readonly service: string;
  readonly metrics: Metrics;
}

/** Lives as long as its server: `stop` it. */
export class LoadShedder {
  readonly #service: string;
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  readonly #shed: (priority: RoutePriority) => void;
  readonly #publish: (delayMs: number) => void;
  /** Of the last requests of a class, the part of a whole one that is still owed to it. */
  readonly #owed: Record<RoutePriority, number> = { batch: 0, read: 0, write: 0, settle: 0 };
  #load: LoadState = UNLOADED;

  constructor({ service, metrics }: LoadShedderOptions) {
    this.#service = service;
    const shed = metrics.counter("requests_shed", "Refused since the event loop was late.", [
      "class",
    ]);
    this.#shed = (priority) => shed.inc({ class: priority });
    const delay = metrics.gauge(
      "event_loop_delay_mean_milliseconds",
      "Mean delay of the event loop's turns in the last 200 ms.",
    );
    this.#publish = (delayMs) => delay.set(delayMs);
    this.#delays.enable();
    this.#timer = setInterval(() => this.#closeWindow(), WINDOW_MS);
    this.#timer.unref();
  }

  /** Throws OVERLOADED when a request of this class is too much just now. */
  admit(priority: RoutePriority): void {
    const { share } = this.#load[priority];
    if (share === 1) return;
    // An even spread without randomness: of every 10 requests under a share of 0.3, 3 come in.
    this.#owed[priority] += share;
    if (this.#owed[priority] >= 1) {
      this.#owed[priority] -= 1;
      return;
    }
    this.#shed(priority);
    throw commonErrors.error("OVERLOADED", { given: { service: this.#service, class: priority } });
  }

  /** The parts of each class that are let in now. */
  get load(): LoadState {
    return this.#load;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#delays.disable();
  }

  #closeWindow(): void {
    // The histogram holds the time between two turns; without delay that is its resolution. It is
    // empty (NaN) when this timer is the first to run after one long turn.
    const meanMs = this.#delays.mean / NANOS_PER_MS - RESOLUTION_MS;
    this.#delays.reset();
    if (Number.isNaN(meanMs)) return;
    const delayMs = Math.max(0, meanMs);
    this.#publish(delayMs);
    this.#load = afterWindow(this.#load, delayMs);
  }
}
