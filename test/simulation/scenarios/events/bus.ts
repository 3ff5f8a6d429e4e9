/**
 * The bus as a process: owns the log under a fence, runs a relay for each producer and a delivery
 * for each group, and executes what their machines ask for.
 */
import type { RelayEffect, RelayInput, RelayState, StoredEvent } from "@tideway/bus";
import { RELAY_AT_START } from "@tideway/bus";
import { unreachable } from "@tideway/kernel";
import { pause } from "../../kernel/process.ts";
import type { SimProcess, Task } from "../../kernel/process.ts";
import type { World } from "../../kernel/world.ts";
import { CommitUnknown, isDatabaseError } from "../../model/database.ts";
import type { Network, Server } from "../../model/network.ts";
import { Fenced } from "./bus-store.ts";
import type { BusStore } from "./bus-store.ts";
import { runGroup } from "./delivery-driver.ts";
import type { GroupHandle } from "./delivery-driver.ts";
import type { GatewayReply, GatewayRequest } from "./gateway.ts";
import type { EventParts } from "./parts.ts";
import type { ProducerHouse, SimRow } from "./producer.ts";

export interface BusHouse {
  readonly world: World;
  readonly network: Network;
  readonly store: BusStore;
  readonly parts: EventParts;
  readonly producers: readonly ProducerHouse[];
  readonly groups: readonly string[];
  readonly gateway: () => Server<GatewayRequest, GatewayReply>;
  /** What a claim by position would remember; kept outside of any process. */
  readonly memory: ReadonlyMap<string, Map<string, number>>;
  readonly sizes: { readonly window: number; readonly read: number; readonly batch: number };
  /** An operator redrives so often, once all is healed. */
  readonly redriveEveryMs: number;
  readonly mayRedrive: () => boolean;
}

/** A bus that runs, as its parts see it. */
export interface Bus {
  readonly house: BusHouse;
  readonly process: SimProcess;
  readonly fence: number;
  /** Ends the process: somebody else owns the log. */
  readonly yieldTo: () => void;
}

const ACQUIRE_EVERY_MS = 700;
const RENEW_EVERY_MS = 1_500;
const POLL_MS = 400;
const AFTER_FENCED_MS = 1_000;

export function* runBus(house: BusHouse, process: SimProcess): Task<void> {
  const fence = yield* acquire(house, process);
  house.world.note(process.name, "owns the log under", fence);
  const bus: Bus = {
    house,
    process,
    fence,
    yieldTo: () => {
      process.kill();
      house.world.after(AFTER_FENCED_MS, () => process.start());
    },
  };
  process.spawn(renew(bus));
  const groups: GroupHandle[] = [];
  for (const group of house.groups) groups.push(yield* runGroup(bus, group));
  const handOver = (events: readonly StoredEvent[]): void => {
    for (const group of groups) group.handOver(events);
  };
  for (const producer of house.producers) process.spawn(relay(bus, producer, handOver));
  for (;;) {
    yield* pause(house.world, house.redriveEveryMs);
    if (house.mayRedrive()) for (const group of groups) group.redrive();
  }
}

function* acquire({ world, store }: BusHouse, process: SimProcess): Task<number> {
  for (;;) {
    try {
      const fence = yield* store.acquire(process, `${process.name}.${process.incarnation()}`);
      if (fence !== null) return fence;
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
    }
    yield* pause(world, ACQUIRE_EVERY_MS);
  }
}

function* renew({ house, process, fence, yieldTo }: Bus): Task<void> {
  for (;;) {
    yield* pause(house.world, RENEW_EVERY_MS);
    try {
      yield* house.store.renew(process, fence);
    } catch (error) {
      if (error instanceof Fenced) yieldTo();
      else if (!isDatabaseError(error)) throw error;
    }
  }
}

function* relay(
  bus: Bus,
  producer: ProducerHouse,
  handOver: (events: readonly StoredEvent[]) => void,
): Task<void> {
  const { house, process } = bus;
  let state: RelayState = RELAY_AT_START;
  let input: RelayInput = { kind: "nudged" };
  for (;;) {
    const stepped = house.parts.stepRelay(state, input);
    state = stepped.state;
    let next: RelayInput | null = null;
    for (const effect of stepped.effects) {
      if (effect.kind === "hand-over") handOver(effect.events);
      else next = yield* execute(bus, producer, effect);
    }
    if (state.phase === "stopped") return;
    if (next !== null) {
      house.world.note(process.name, producer.name, state.phase, next.kind);
      input = next;
      continue;
    }
    const waitMs = state.retryAtMs === null ? POLL_MS : state.retryAtMs - process.localMs();
    yield* producer.bell.wait(house.world, Math.max(1, waitMs));
    const isRetry = state.retryAtMs !== null;
    input = isRetry ? { kind: "ticked", nowMs: process.localMs() } : { kind: "nudged" };
  }
}

function* execute(
  bus: Bus,
  producer: ProducerHouse,
  effect: Exclude<RelayEffect, { kind: "hand-over" }>,
): Task<RelayInput> {
  const { house, process, fence, yieldTo } = bus;
  try {
    return yield* tryEffect(bus, producer, effect, fence);
  } catch (error) {
    if (error instanceof Fenced) {
      yieldTo();
      return { kind: "fenced" };
    }
    if (!isDatabaseError(error)) throw error;
    const kind = error instanceof CommitUnknown ? "unknown" : "failed";
    return { kind, nowMs: process.localMs(), jitter: house.world.random.ms(0, 0.999) };
  }
}

function* tryEffect(
  { house, process }: Bus,
  producer: ProducerHouse,
  effect: Exclude<RelayEffect, { kind: "hand-over" }>,
  fence: number,
): Task<RelayInput> {
  const { database, outbox } = producer;
  switch (effect.kind) {
    case "claim": {
      const memory = house.memory.get(producer.name) ?? new Map<string, number>();
      const rows = yield* database.transaction(process, (t) =>
        t.statement([], (view) => house.parts.claimOutbox(outbox.all(view), effect.limit, memory)),
      );
      return { kind: "claimed", rows: rows.map((row) => outboxRow(producer.name, row)) };
    }
    case "append":
      return {
        kind: "appended",
        events: yield* house.store.append(process, fence, effect.events),
      };
    case "delete":
      yield* database.transaction(process, (t) =>
        t.statement([], (view) => {
          for (const id of effect.ids) outbox.remove(view, id);
        }),
      );
      return { kind: "deleted" };
    default:
      return unreachable(effect);
  }
}

function outboxRow(source: string, { number, event }: SimRow) {
  const { id: eventId, type, key, position } = event;
  const at = "2026-01-01T00:00:00.000Z";
  const data = String(position);
  return { id: String(number), event: { eventId, source, type, key, data, traceparent: null, at } };
}
