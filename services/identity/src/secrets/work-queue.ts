/** Bounded work: so many at once, so many waiting, and a coded refusal above that. */
import { commonErrors } from "@tideway/kernel";

export interface WorkQueueOptions {
  readonly atOnceMax: number;
  readonly waitingMax: number;
}

/** A queue in order of arrival. Whoever gave up while waiting is passed over. */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  get idle(): boolean {
    return this.#running === 0;
  }

  /** How many stand in line. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs `act` when it is its turn. Throws OVERLOADED, or the signal's reason. */
  async run<T>(act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#takeTurn();
    try {
      signal?.throwIfAborted();
      return await act();
    } finally {
      this.#passTurn();
    }
  }

  #takeTurn(): Promise<void> {
    if (this.#running < this.#options.atOnceMax) {
      this.#running++;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#options.waitingMax) {
      return Promise.reject(commonErrors.error("OVERLOADED", { given: { service: "identity" } }));
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A turn goes straight to the next in line, so a newcomer cannot slip in between. */
  #passTurn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}

/** A queue of its own for each key; queues without work are forgotten. */
export class KeyedWorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #queues = new Map<string, WorkQueue>();

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** As `WorkQueue.run`, among those of the same key. */
  async run<T>(key: string, act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const queue = this.#queues.get(key) ?? new WorkQueue(this.#options);
    this.#queues.set(key, queue);
    try {
      return await queue.run(act, signal);
    } finally {
      if (queue.idle) this.#queues.delete(key);
    }
  }
}
