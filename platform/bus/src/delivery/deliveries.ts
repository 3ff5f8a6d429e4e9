/** All flows: one for each consuming service, and one for each replay that is under way. */
import type { SplitView } from "@tideway/gateway";
import { errorFields } from "@tideway/telemetry";
import type { BusConfig, BusService } from "../config.ts";
import type { Carrier, StoredEvent } from "../carrier.ts";
import { busErrors } from "../errors.ts";
import { DELIVERY_DEFAULTS } from "../machine/delivery-types.ts";
import type {
  Consumes,
  DeliveryOptions,
  DeliverySplit,
  Lingers,
} from "../machine/delivery-types.ts";
import { cursorOf, deliveryAtStart } from "../machine/delivery.ts";
import type { CursorSaver } from "./cursor-saver.ts";
import { Flow } from "./flow-driver.ts";
import type { FlowParts } from "./flow-driver.ts";
import {
  createFlow,
  deleteFlow,
  loadCursors,
  loadFlows,
  loadLanes,
  nextReplay,
} from "./flow-store.ts";
import type { FlowRow } from "./flow-store.ts";
import { rememberingLanes } from "./lane-memo.ts";
import { prepare } from "./prepared-event.ts";

/** Replays of one service at a time. */
const REPLAYS_MAX = 4;
const FINISHED_LOOK_MS = 250;

export interface DeliveriesOptions extends Omit<FlowParts, "onProgress" | "carrier"> {
  readonly carrier: Carrier;
  readonly cursors: CursorSaver;
  readonly splitOf: (service: string) => SplitView | null;
  readonly areSplitsKnown: () => boolean;
  readonly tuning?: Partial<Omit<DeliveryOptions, "laneOf" | "partitions">>;
}

export interface ReplayStart {
  /** After which offset of each partition it begins. */
  readonly after: readonly number[];
  readonly types: readonly string[] | null;
}

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #flows = new Map<string, Flow>();
  readonly #services = new Map<string, BusService>();
  readonly #types = new Map<Flow, readonly string[] | null>();
  /** Flows whose service is gone: what they have under way ends in the background. */
  readonly #draining = new Map<string, { readonly flow: Flow; readonly drained: Promise<void> }>();
  readonly #laneOf = rememberingLanes();
  readonly #looking: NodeJS.Timeout;
  #working: Promise<unknown> = Promise.resolve();
  #isStopping = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    this.#looking = setInterval(() => this.#soon(() => this.#endFinished()), FINISHED_LOOK_MS);
    this.#looking.unref();
  }

  get flows(): readonly Flow[] {
    return [...this.#flows.values()];
  }

  flowsOf(group: string): readonly Flow[] {
    return this.flows.filter(({ name }) => name.group === group);
  }

  /**
   * Groups come and go; those that stay learn what their revisions consume. A delivery may take
   * half a minute, so nobody waits for those of a group that goes.
   */
  configure(config: BusConfig): Promise<void> {
    return this.#serially(async () => {
      const consuming = config.services.filter(({ revisions }) =>
        revisions.some(({ consumes }) => consumes.length > 0),
      );
      this.#services.clear();
      for (const service of consuming) this.#services.set(service.name, service);
      for (const flow of this.flows) {
        const service = this.#services.get(flow.name.group);
        if (service === undefined) this.#drain(flow);
        else {
          const revisions = consumesOf(service, this.#types.get(flow) ?? null);
          flow.feed({ kind: "configured", revisions, lingers: lingersOf(service) });
        }
      }
      await this.#startMissing();
    });
  }

  /** Events that the log has just committed. */
  handOver(stored: readonly StoredEvent[]): void {
    if (this.#flows.size === 0) return;
    const events = stored.map(prepare);
    for (const flow of this.#flows.values()) {
      if (flow.name.replay === 0) flow.feed({ kind: "appended", events });
    }
  }

  /** The gateway told its splits: whoever has another one, or waits for it, is told. */
  tellSplits(): void {
    for (const flow of this.#flows.values()) this.#tellSplit(flow);
    for (const service of this.#services.values()) {
      const isThere = this.#flows.has(keyOf({ group: service.name, replay: 0 }));
      if (!isThere && this.#hasConsumer(service)) {
        this.#soon(() => this.#startMissing());
        return;
      }
    }
  }

  /** Begins to deliver again what is in the log now; answers the replay's number. */
  replay(group: string, start: ReplayStart): Promise<number> {
    return this.#serially(async () => {
      if (!this.#services.has(group)) throw busErrors.error("GROUP_UNKNOWN", { given: { group } });
      if (this.flowsOf(group).filter(({ name }) => name.replay > 0).length >= REPLAYS_MAX) {
        throw busErrors.error("REPLAYS_TOO_MANY", { given: { group, limit: REPLAYS_MAX } });
      }
      const { writer, carrier, clock } = this.#options;
      const replay = await nextReplay(writer, group, clock.now());
      const until = await carrier.heads();
      await createFlow(writer, { group, replay, until, types: start.types, after: start.after });
      await this.#startMissing();
      return replay;
    });
  }

  /** The offset of each partition up to which every flow is done: the log may forget those. */
  completed(): Promise<readonly number[]> {
    return this.#serially(async () => {
      const completed = [...(await this.#options.carrier.heads())];
      for (const flow of this.flows) {
        for (const partition of completed.keys()) {
          const { readTo, open, detours = [] } = cursorOf(flow.state, partition);
          const marks = [readTo, ...detours.map(({ after }) => after)];
          if (open[0] !== undefined) marks.push(open[0] - 1);
          completed[partition] = Math.min(completed[partition] ?? 0, ...marks);
        }
      }
      return completed;
    });
  }

  /** Sends nothing new and resolves when every answer is there and written down. */
  async stop(): Promise<void> {
    clearInterval(this.#looking);
    await this.#serially(async () => {
      this.#isStopping = true;
      const draining = [...this.#draining.values()].map(({ drained }) => drained);
      await Promise.all([...this.flows.map((flow) => flow.stop()), ...draining]);
    });
  }

  abandon(): void {
    clearInterval(this.#looking);
    this.#isStopping = true;
    for (const flow of this.flows) flow.abandon();
    for (const { flow } of this.#draining.values()) flow.abandon();
  }

  async #startMissing(): Promise<void> {
    const { writer } = this.#options;
    const zeros = Array.from({ length: this.#options.carrier.partitions }, () => 0);
    for (const [group, service] of this.#services) {
      const key = keyOf({ group, replay: 0 });
      if (this.#flows.has(key) || this.#draining.has(key)) continue;
      // Without a live consumer it would complete the whole log before the first one comes.
      if (!this.#hasConsumer(service)) continue;
      // A new consumer gets what the log still has: nothing that happened before it came is lost.
      await createFlow(writer, { group, replay: 0, types: null, until: null, after: zeros });
    }
    for (const row of await loadFlows(writer.pool)) {
      const service = this.#services.get(row.group);
      const isThere = this.#flows.has(keyOf(row)) || this.#draining.has(keyOf(row));
      if (service !== undefined && !isThere) await this.#start(row, service);
    }
  }

  /** Whether a live revision consumes anything; also while it is not known which are live. */
  #hasConsumer({ name, revisions }: BusService): boolean {
    const { splitOf, areSplitsKnown } = this.#options;
    const split = areSplitsKnown() ? splitOf(name) : null;
    if (split === null) return true;
    return revisions.some(({ id, consumes }) => {
      return consumes.length > 0 && (id === split.stable || id === split.candidate);
    });
  }

  async #start(row: FlowRow, service: BusService): Promise<void> {
    const { writer, carrier, cursors, tuning } = this.#options;
    const state = deliveryAtStart({
      options: {
        ...DELIVERY_DEFAULTS,
        ...tuning,
        partitions: carrier.partitions,
        laneOf: this.#laneOf,
      },
      revisions: consumesOf(service, row.types),
      lingers: lingersOf(service),
      cursors: await loadCursors(writer.pool, row),
      heads: [],
      lanes: await loadLanes(writer.pool, row),
      suspensions: row.suspensions,
      until: row.until,
    });
    const name = { group: row.group, replay: row.replay };
    const flow = new Flow(name, state, {
      ...this.#options,
      onProgress: (one, completed) => cursors.note(one, completed),
    });
    this.#flows.set(keyOf(name), flow);
    this.#types.set(flow, row.types);
    this.#tellSplit(flow);
    // Asked only now: what is committed from here on is handed over, so nothing falls between.
    flow.feed({ kind: "heads", heads: await carrier.heads() });
  }

  #tellSplit(flow: Flow): void {
    const { splitOf, areSplitsKnown } = this.#options;
    if (!areSplitsKnown()) return;
    const split = splitOf(flow.name.group);
    const { state } = flow;
    if (!state.isSplitStale && isSameSplit(state.split, split)) return;
    flow.feed({ kind: "split", split });
  }

  async #endFinished(): Promise<void> {
    for (const flow of this.flows) {
      if (!flow.isFinished) continue;
      await this.#end(flow);
      await deleteFlow(this.#options.writer, flow.name).catch((error: unknown) => {
        this.#options.logger.warn("replay.not-forgotten", errorFields(error));
      });
      this.#options.logger.info("replay.finished", { ...flow.name });
    }
  }

  async #end(flow: Flow): Promise<void> {
    await flow.stop();
    await this.#options.cursors.flush();
    this.#forget(flow);
  }

  #forget(flow: Flow): void {
    this.#options.cursors.forget(flow);
    this.#flows.delete(keyOf(flow.name));
    this.#types.delete(flow);
  }

  /** The group may be back meanwhile: its next flow begins where this one has ended. */
  #drain(flow: Flow): void {
    const key = keyOf(flow.name);
    this.#flows.delete(key);
    this.#types.delete(flow);
    const drained = (async (): Promise<void> => {
      try {
        await flow.stop();
        await this.#options.cursors.flush();
      } finally {
        this.#options.cursors.forget(flow);
        this.#draining.delete(key);
      }
      // Not awaited: whoever stops everything waits for this one first.
      this.#soon(() => this.#startMissing());
    })().catch((error: unknown) => {
      this.#options.logger.warn("delivery.not-drained", { ...flow.name, ...errorFields(error) });
    });
    this.#draining.set(key, { flow, drained });
  }

  /** As `#serially`, for what nobody waits for; nothing of it is left to do once we stop. */
  #soon(act: () => Promise<void>): void {
    this.#serially(act).catch((error: unknown) => {
      if (!this.#isStopping) this.#options.logger.warn("flows.not-changed", errorFields(error));
    });
  }

  /** Flows come and go one after the other. */
  #serially<T>(act: () => Promise<T>): Promise<T> {
    const next = this.#working.then(() => {
      if (this.#isStopping) throw new Error("The bus is stopping.");
      return act();
    });
    this.#working = next.catch(() => undefined);
    return next;
  }
}

function keyOf({ group, replay }: { readonly group: string; readonly replay: number }): string {
  return `${group} ${replay}`;
}

function consumesOf(
  service: BusService,
  types: readonly string[] | null,
): ReadonlyMap<string, Consumes> {
  return new Map(
    service.revisions.map(({ id, consumes }) => {
      const wanted = consumes.filter(({ type }) => types === null || types.includes(type));
      return [id, new Map(wanted.map(({ type, order }) => [type, order]))] as const;
    }),
  );
}

/** Where revisions differ, or one says nothing, the more impatient one holds. */
function lingersOf({ revisions }: BusService): Lingers {
  const lingers = new Map<string, number>();
  for (const { type, lingerMs = 0 } of revisions.flatMap(({ consumes }) => consumes)) {
    lingers.set(type, Math.min(lingerMs, lingers.get(type) ?? lingerMs));
  }
  return new Map([...lingers].filter(([, ms]) => ms > 0));
}

function isSameSplit(known: DeliverySplit | null, told: DeliverySplit | null): boolean {
  if (known === null || told === null) return known === told;
  return (
    known.epoch === told.epoch &&
    known.stable === told.stable &&
    known.candidate === told.candidate &&
    known.weight === told.weight &&
    known.rollout === told.rollout
  );
}
