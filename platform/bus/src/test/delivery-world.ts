/**
 * A small world around the delivery machine: a log, the bus's tables, a service with an inbox. What
 * happens next is drawn from a seed: answers, lost answers, outages, old pins, failing writes,
 * kills.
 */
import type { DeliverableEvent, DeliverySplit, TroubledLane } from "../machine/delivery-types.ts";
import { DELIVERY_DEFAULTS } from "../machine/delivery-types.ts";
import type {
  Consumes,
  Cursor,
  DeliveryEffect,
  Lingers,
  Outcome,
} from "../machine/delivery-types.ts";
import type { DeliveryInput, DeliveryState } from "../machine/delivery-types.ts";
import { cursorOf, deliveryAtStart, stepDelivery, wakesAtMs } from "../machine/delivery.ts";

const PARTITIONS = 2;
const TYPE = "shop.order.made.v1";
const BOTH: Consumes = new Map([[TYPE, "key"]]);

export interface WorldOptions {
  readonly random: () => number;
  /** How an event fares at a revision on its n-th try there. */
  readonly fails: (event: DeliverableEvent, revision: string, tries: number) => boolean;
  /** Probability of each mishap at each step. */
  readonly mishap: number;
  /** Probability of a kill at each step. */
  readonly kill: number;
  readonly suspendLanesMin?: number;
  /** What s-1 and s-2 consume; both the same type when left out. */
  readonly consumes?: readonly [Consumes, Consumes];
  readonly lingers?: Lingers;
}

/** Mulberry32: 32 bits of state, enough for a test and the same everywhere. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class DeliveryWorld {
  nowMs = 1_000;
  readonly applied: { readonly event: DeliverableEvent; readonly revision: string }[] = [];
  readonly logs: DeliverableEvent[][] = Array.from({ length: PARTITIONS }, () => []);
  kills = 0;
  /** Readings of the log, and batches that went out. */
  reads = 0;
  batches = 0;
  /** Revisions that nobody reaches: their deliveries are not answered. */
  readonly away = new Set<string>();
  split: DeliverySplit = { stable: "s-1", candidate: null, weight: 0, rollout: null, epoch: 1 };
  state: DeliveryState;
  readonly #options: WorldOptions;
  readonly #inbox = new Set<string>();
  readonly #tries = new Map<string, number>();
  readonly #lanes = new Map<string, TroubledLane>();
  readonly #parked = new Map<string, DeliverableEvent[]>();
  #cursors: Cursor[] = Array.from({ length: PARTITIONS }, () => ({ readTo: 0, open: [] }));
  #pending: DeliveryEffect[] = [];

  constructor(options: WorldOptions) {
    this.#options = options;
    this.state = this.#restart();
  }

  get lanes(): readonly TroubledLane[] {
    return [...this.#lanes.values()];
  }

  get isIdle(): boolean {
    return (
      this.#pending.length === 0 &&
      this.state.partitions.every(
        (one) =>
          one.heldEvents === 0 &&
          one.readTo === one.head &&
          one.keeping === null &&
          one.detours.length === 0,
      )
    );
  }

  publish(key: string, type = TYPE): void {
    const partition = key.length % PARTITIONS;
    const log = this.logs[partition] ?? [];
    const offset = log.length + 1;
    const event: DeliverableEvent = {
      eventId: `${partition}-${offset}`,
      source: "/services/shop",
      type,
      key,
      data: "{}",
      traceparent: null,
      at: "2026-01-01T00:00:00.000Z",
      partition,
      offset,
      keyDigits: key,
      bytes: 60 + ((offset * 37) % 200),
    };
    log.push(event);
    // A hand-over may be lost with the process; then the next one shows that something is missing.
    if (!this.#happens(this.#options.mishap)) this.feed({ kind: "appended", events: [event] });
  }

  feed(input: DistributiveOmit<DeliveryInput, "nowMs" | "jitter">): void {
    const whole = { ...input, nowMs: this.nowMs, jitter: this.#options.random() } as DeliveryInput;
    const { state, effects } = stepDelivery(this.state, whole);
    this.state = state;
    this.#pending.push(...effects);
  }

  /** One thing happens: an effect ends somehow, time passes, cursors are saved, or a kill. */
  step(): void {
    if (this.#happens(this.#options.kill)) {
      this.kills++;
      // What was under way may still happen, unseen.
      for (const effect of this.#pending.splice(0)) {
        if (effect.kind === "deliver" && this.#happens(0.5)) this.#serve(effect.batch);
      }
      this.state = this.#restart();
      return;
    }
    if (this.#happens(0.2)) this.#cursors = this.#cursors.map((_, p) => cursorOf(this.state, p));
    const index = Math.floor(this.#options.random() * this.#pending.length);
    const [effect] = this.#pending.splice(index, 1);
    if (effect !== undefined) this.#perform(effect);
    else {
      const atMs = wakesAtMs(this.state);
      this.nowMs = Math.max(this.nowMs + 1, atMs ?? 0);
      this.feed({ kind: "ticked" });
      this.feed({ kind: "heads", heads: this.logs.map(({ length }) => length) });
    }
  }

  /** The bus ends at once, its cursors written down, and another one begins. */
  restart(): void {
    this.#cursors = this.#cursors.map((_, p) => cursorOf(this.state, p));
    this.state = this.#restart();
  }

  #restart(): DeliveryState {
    const [first, second] = this.#options.consumes ?? [BOTH, BOTH];
    this.state = deliveryAtStart({
      options: {
        ...DELIVERY_DEFAULTS,
        partitions: PARTITIONS,
        windowEventsMax: 20,
        readEventsMax: 5,
        batchEventsMax: 4,
        batchBytesMax: 400,
        parkedReadMax: 3,
        suspendLanesMin: this.#options.suspendLanesMin ?? DELIVERY_DEFAULTS.suspendLanesMin,
        laneOf: (split, digits) => (digits.length * 20 < split.weight ? "candidate" : "stable"),
      },
      revisions: new Map([
        ["s-1", first],
        ["s-2", second],
      ]),
      ...(this.#options.lingers && { lingers: this.#options.lingers }),
      cursors: this.#cursors,
      heads: this.logs.map(({ length }) => length),
      lanes: [...this.#lanes.values()],
      suspensions: new Map(),
      until: null,
    });
    this.#pending = [];
    this.feed({ kind: "split", split: this.split });
    return this.state;
  }

  #perform(effect: DeliveryEffect): void {
    const isBad = this.#happens(this.#options.mishap);
    switch (effect.kind) {
      case "deliver": {
        const { batch } = effect;
        this.batches++;
        if (batch.epoch !== this.split.epoch) return this.feed({ kind: "stale", batch });
        if (this.away.has(batch.revision)) {
          return this.feed({ kind: "unanswered", batch, reason: "away" });
        }
        if (!isBad) return this.feed({ kind: "answered", batch, outcomes: this.#serve(batch) });
        // Lost on the way there or on the way back.
        if (this.#happens(0.5)) this.#serve(batch);
        return this.feed({ kind: "unanswered", batch, reason: "lost" });
      }
      case "read": {
        const { partition, after, upTo, limit } = effect;
        this.reads++;
        if (isBad) return this.feed({ kind: "read-failed", partition });
        const events = (this.logs[partition] ?? []).slice(after, after + limit);
        return this.feed({ kind: "read", partition, events, upTo, limit });
      }
      case "keep": {
        const { partition, id } = effect;
        if (!isBad || this.#happens(0.5)) this.#keep(effect.keeping);
        return this.feed({ kind: isBad ? "keep-failed" : "kept", partition, id });
      }
      case "read-parked": {
        const { partition, lane, limit } = effect;
        if (isBad) return this.feed({ kind: "parked-read-failed", partition, lane });
        const events = (this.#parked.get(lane) ?? []).slice(0, limit);
        return this.feed({ kind: "parked-read", partition, lane, events });
      }
      case "refresh-split":
        return this.feed({ kind: "split", split: this.split });
      default:
        throw new Error("An effect was not performed.");
    }
  }

  #keep({
    park,
    lanes,
    release,
    clear,
  }: Extract<DeliveryEffect, { kind: "keep" }>["keeping"]): void {
    for (const { lane, event } of park) {
      const list = this.#parked.get(lane) ?? [];
      if (list.some(({ offset }) => offset === event.offset)) continue;
      this.#parked.set(
        lane,
        [...list, event].sort((a, b) => a.offset - b.offset),
      );
    }
    for (const lane of lanes) this.#lanes.set(lane.lane, lane);
    for (const { lane, offset } of release) {
      const rest = (this.#parked.get(lane) ?? []).filter((event) => event.offset !== offset);
      this.#parked.set(lane, rest);
    }
    for (const lane of clear) {
      if ((this.#parked.get(lane) ?? []).length === 0) this.#lanes.delete(lane);
    }
  }

  /** The service: an inbox, effects in order, nothing behind a failure of its key. */
  #serve({
    events,
    revision,
  }: {
    events: readonly DeliverableEvent[];
    revision: string;
  }): Outcome[] {
    const failed = new Set<string>();
    return events.map((event) => {
      if (failed.has(event.key)) return { outcome: "skipped" };
      if (this.#inbox.has(event.eventId)) return { outcome: "duplicate" };
      const [first, second] = this.#options.consumes ?? [BOTH, BOTH];
      if (!(revision === "s-1" ? first : second).has(event.type)) {
        throw new Error(`${revision} does not consume ${event.type}.`);
      }
      const place = `${event.eventId} ${revision}`;
      const tries = (this.#tries.get(place) ?? 0) + 1;
      this.#tries.set(place, tries);
      if (this.#options.fails(event, revision, tries)) {
        failed.add(event.key);
        return { outcome: "failed", code: "BAD", detail: "" };
      }
      this.#inbox.add(event.eventId);
      this.applied.push({ event, revision });
      return { outcome: "applied" };
    });
  }

  #happens(probability: number): boolean {
    return this.#options.random() < probability;
  }
}

type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;
