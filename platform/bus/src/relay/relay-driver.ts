/** Does what the relay machine wants: one outbox, one connection, one thing at a time. */
import { isCoded, unreachable } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import type { StoredEvent } from "../carrier.ts";
import { RELAY_AT_START, stepRelay } from "../machine/relay.ts";
import type { RelayEffect, RelayInput, RelayState } from "../machine/relay.ts";
import type { Append } from "./append-queue.ts";
import { outboxSource } from "./outbox-source.ts";

export interface RelayOptions {
  readonly service: string;
  /** The relay login's address of its database. */
  readonly url: string;
  readonly append: Append;
  readonly handOver: (events: readonly StoredEvent[]) => void;
  /** Another bus owns the log. */
  readonly onFenced: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

export interface Relay {
  readonly service: string;
  /** Age of the oldest row at the last look, in milliseconds. */
  readonly oldestAgeMs: number;
  readonly relayedTotal: number;
  /** Ends what is under way; resolves when nothing is. */
  stop(): Promise<void>;
}

/** The backstop for nudges that were lost. */
export const RELAY_POLL_MS = 200;

/** Starts to relay the service's events. */
export function startRelay(options: RelayOptions): Relay {
  return new RelayDriver(options);
}

class RelayDriver implements Relay {
  readonly service: string;
  oldestAgeMs = 0;
  relayedTotal = 0;
  readonly #options: RelayOptions;
  readonly #source: ReturnType<typeof outboxSource>;
  readonly #poll: NodeJS.Timeout;
  #state: RelayState = RELAY_AT_START;
  #stopped: (() => void) | null = null;
  #isFailing = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.service = options.service;
    const nudge = (): void => this.#feed({ kind: "nudged" });
    this.#source = outboxSource({ url: options.url, service: options.service, onNudge: nudge });
    this.#poll = setInterval(() => {
      const { phase, retryAtMs } = this.#state;
      if (phase === "idle") nudge();
      else if (retryAtMs !== null) this.#feed({ kind: "ticked", nowMs: this.#now });
    }, RELAY_POLL_MS);
    nudge();
  }

  async stop(): Promise<void> {
    clearInterval(this.#poll);
    const ended = new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
    this.#feed({ kind: "stopped" });
    await ended;
    await this.#source.close();
  }

  get #now(): number {
    return this.#options.clock.now();
  }

  #feed(input: RelayInput): void {
    const { state, effects } = stepRelay(this.#state, input);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    if (state.phase === "stopped") this.#stopped?.();
  }

  #perform(effect: RelayEffect): void {
    switch (effect.kind) {
      case "hand-over":
        this.relayedTotal += effect.events.length;
        this.#options.handOver(effect.events);
        return;
      case "claim":
        this.#do(
          this.#source.claim(effect.limit, effect.bytesMax).then((rows) => {
            const first = rows[0]?.event.at;
            this.oldestAgeMs = first === undefined ? 0 : Math.max(0, this.#now - Date.parse(first));
            return { kind: "claimed", rows } as const;
          }),
        );
        return;
      case "append":
        this.#do(
          this.#options
            .append(effect.events)
            .then((events) => ({ kind: "appended", events }) as const),
        );
        return;
      case "delete":
        this.#do(this.#source.delete(effect.ids).then(() => ({ kind: "deleted" }) as const));
        return;
      default:
        unreachable(effect);
    }
  }

  /** Whatever fails may have happened all the same: the machine does it again. */
  #do(work: Promise<RelayInput>): void {
    work.then(
      (input) => {
        if (this.#isFailing) this.#options.logger.info("relay.recovered", { of: this.service });
        this.#isFailing = false;
        this.#feed(input);
      },
      (error: unknown) => this.#failed(error),
    );
  }

  #failed(error: unknown): void {
    if (isCoded(error, "BUS_FENCED")) {
      this.#feed({ kind: "fenced" });
      this.#options.onFenced();
      return;
    }
    if (!this.#isFailing) {
      this.#options.logger.warn("relay.failed", { of: this.service, ...errorFields(error) });
    }
    this.#isFailing = true;
    const { random } = this.#options;
    this.#feed({ kind: "unknown", nowMs: this.#now, jitter: random() });
  }
}
