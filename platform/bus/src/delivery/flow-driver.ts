/** Does what the delivery machine of one flow wants, and tells it what came of it. */
import { isCoded, unreachable } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import type { Carrier } from "../carrier.ts";
import { isFinished, isQuiet, stepDelivery, wakesAtMs } from "../machine/delivery.ts";
import type {
  Batch,
  DeliveryEffect,
  DeliveryInput,
  DeliveryState,
} from "../machine/delivery-types.ts";
import { keep, readParked, saveSuspensions } from "./flow-store.ts";
import type { FlowName, Suspensions, Writer } from "./flow-store.ts";
import { Outgoing } from "./outgoing.ts";
import { prepare } from "./prepared-event.ts";
import type { BatchAnswer, Transport } from "./transport.ts";

export interface FlowParts {
  readonly writer: Writer;
  readonly carrier: Pick<Carrier, "read">;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  /** The gateway said that a split is another one by now. */
  readonly refreshSplits: () => void;
  readonly onFenced: () => void;
  /** Something of the cursors has changed. */
  readonly onProgress: (flow: Flow, completed: number) => void;
}

type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never;
export type FlowInput = Without<DeliveryInput, "nowMs" | "jitter">;

/** A timer lies no further ahead: the clock may be set, and then the wait is worked out anew. */
const TIMER_MS_MAX = 250;

export class Flow {
  readonly name: FlowName;
  readonly #parts: FlowParts;
  readonly #outgoing: Outgoing;
  #state: DeliveryState;
  #timer: NodeJS.Timeout | null = null;
  #suspensions = "";
  #savingSuspensions: Promise<void> = Promise.resolve();
  #onQuiet: (() => void) | null = null;

  constructor(name: FlowName, state: DeliveryState, parts: FlowParts) {
    this.name = name;
    this.#parts = parts;
    this.#state = state;
    const { batchEventsMax: eventsMax, batchBytesMax: bytesMax } = state.options;
    this.#outgoing = new Outgoing({
      deliver: (delivery) => parts.transport.deliver(name.group, name.replay, delivery),
      onAnswer: (batch, answer) => this.#answered(batch, answer),
      clock: parts.clock,
      eventsMax,
      bytesMax,
    });
    this.#suspensions = JSON.stringify([...suspensionsOf(state)]);
  }

  get state(): DeliveryState {
    return this.#state;
  }

  get isFinished(): boolean {
    return isFinished(this.#state);
  }

  /** Tells the machine something and begins what it wants then. */
  feed(input: FlowInput): void {
    const { clock, random } = this.#parts;
    const before = this.#state;
    // The spread of a union is not a union for the compiler; each member gets the same two fields.
    const whole = { ...input, nowMs: clock.now(), jitter: random() } as DeliveryInput;
    const { state, effects } = stepDelivery(before, whole);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    if (state.partitions !== before.partitions) {
      this.#parts.onProgress(this, state.appliedTotal - before.appliedTotal);
    }
    if (state.flows !== before.flows) {
      this.#logOutages(before);
      this.#noteSuspensions();
    }
    this.#setTimer();
    if (this.#onQuiet !== null && isQuiet(state)) this.#onQuiet();
  }

  /** Sends nothing new and resolves when what is under way was answered and written down. */
  async stop(): Promise<void> {
    const quiet = new Promise<void>((resolve) => {
      this.#onQuiet = resolve;
    });
    this.feed({ kind: "stopped" });
    await quiet;
    this.abandon();
    await this.#savingSuspensions;
  }

  /** Forgets everything at once, as a crash would. */
  abandon(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #setTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const atMs = wakesAtMs(this.#state);
    if (atMs === null) return;
    const waitMs = Math.min(Math.max(0, atMs - this.#parts.clock.now()), TIMER_MS_MAX);
    this.#timer = setTimeout(() => this.feed({ kind: "ticked" }), waitMs);
  }

  #perform(effect: DeliveryEffect): void {
    switch (effect.kind) {
      case "deliver":
        this.#outgoing.add(effect.batch);
        return;
      case "read":
        this.#do("log.read", this.#read(effect), {
          kind: "read-failed",
          partition: effect.partition,
        });
        return;
      case "keep":
        this.#do("lanes.kept", this.#keep(effect), { ...effect, kind: "keep-failed" });
        return;
      case "read-parked":
        this.#do("parked.read", this.#readParked(effect), {
          kind: "parked-read-failed",
          partition: effect.partition,
          lane: effect.lane,
        });
        return;
      case "refresh-split":
        this.#parts.refreshSplits();
        return;
      default:
        unreachable(effect);
    }
  }

  #answered(batch: Batch, answer: BatchAnswer): void {
    if (answer.kind === "unanswered") {
      const fields = { group: this.name.group, revision: batch.revision, reason: answer.reason };
      this.#parts.logger.debug("delivery.unanswered", fields);
    }
    this.feed({ ...answer, batch });
  }

  async #read(effect: Extract<DeliveryEffect, { kind: "read" }>): Promise<FlowInput> {
    const { partition, after, upTo, limit, bytesMax } = effect;
    const stored = await this.#parts.carrier.read(partition, after, limit, bytesMax);
    let bytes = 0;
    for (const { data } of stored) bytes += Buffer.byteLength(data);
    // Where the bytes ended the page, what it has is all that it may have.
    const most = bytes >= bytesMax ? stored.length : limit;
    return { kind: "read", partition, events: stored.map(prepare), upTo, limit: most };
  }

  async #keep(effect: Extract<DeliveryEffect, { kind: "keep" }>): Promise<FlowInput> {
    await keep(this.#parts.writer, this.name, effect.keeping);
    return { kind: "kept", partition: effect.partition, id: effect.id };
  }

  async #readParked(effect: Extract<DeliveryEffect, { kind: "read-parked" }>): Promise<FlowInput> {
    const { partition, lane } = effect;
    const events = await readParked(this.#parts.writer.pool, this.name, lane, effect);
    return { kind: "parked-read", partition, lane, events };
  }

  #do(what: string, work: Promise<FlowInput>, failure: FlowInput): void {
    work.then(
      (input) => this.feed(input),
      (error: unknown) => {
        if (isCoded(error, "BUS_FENCED")) {
          this.#parts.onFenced();
          return;
        }
        const fields = { what, group: this.name.group, ...errorFields(error) };
        this.#parts.logger.warn("delivery.failed", fields);
        this.feed(failure);
      },
    );
  }

  /** Once when it begins, however often it is tried again, and once when it is over. */
  #logOutages(before: DeliveryState): void {
    for (const [revision, { outage }] of this.#state.flows) {
      const was = before.flows.get(revision)?.outage ?? null;
      if ((was === null) === (outage === null)) continue;
      const fields = { group: this.name.group, revision, reason: outage?.reason ?? "It answers." };
      if (outage === null) this.#parts.logger.info("delivery.recovered", fields);
      else this.#parts.logger.warn("delivery.outage", fields);
    }
  }

  /** So that operators and the next start know of a suspension; what is lost is found out again. */
  #noteSuspensions(): void {
    const suspensions = suspensionsOf(this.#state);
    const text = JSON.stringify([...suspensions]);
    if (text === this.#suspensions) return;
    this.#suspensions = text;
    for (const [revision, { reason }] of suspensions) {
      const fields = { group: this.name.group, revision, reason };
      this.#parts.logger.warn("delivery.suspended", fields);
    }
    this.#savingSuspensions = this.#savingSuspensions
      .then(() => saveSuspensions(this.#parts.writer, this.name, suspensions))
      .catch((error: unknown) => {
        this.#parts.logger.warn("delivery.suspension-not-kept", errorFields(error));
      });
  }
}

export function suspensionsOf(state: DeliveryState): Suspensions {
  const found = new Map<string, { readonly sinceMs: number; readonly reason: string }>();
  for (const [revision, { suspension }] of state.flows) {
    if (suspension === null) continue;
    found.set(revision, { sinceMs: suspension.sinceMs, reason: suspension.reason });
  }
  return found;
}
