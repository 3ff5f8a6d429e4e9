/** The delivery to one group as the bus drives it: a mailbox of inputs, and tasks for the effects. */
import { DELIVERY_DEFAULTS, cursorOf, deliveryAtStart, wakesAtMs } from "@tideway/bus";
import type {
  Batch,
  Consumes,
  DeliverableEvent,
  DeliveryEffect,
  DeliveryInput,
  DeliveryOptions,
  DeliverySplit,
  DeliveryState,
  StoredEvent,
} from "@tideway/bus";
import { laneOfKey } from "@tideway/gateway";
import { unreachable } from "@tideway/kernel";
import { createBell, pause } from "../../kernel/process.ts";
import type { Task } from "../../kernel/process.ts";
import { isDatabaseError } from "../../model/database.ts";
import type { Bus } from "./bus.ts";
import { Fenced, SIM_PARTITIONS, deliverable } from "./bus-store.ts";
import type { Kept } from "./bus-store.ts";
import { LOOSE, ORDERED } from "./producer.ts";
import type { SimEvent } from "./producer.ts";

export interface GroupHandle {
  handOver(events: readonly StoredEvent[]): void;
  redrive(): void;
}

type Untimed<T> = T extends DeliveryInput ? Omit<T, "nowMs" | "jitter"> : never;
type Mail = Untimed<DeliveryInput>;

const SPLIT_EVERY_MS = 1_000;
const SPLIT_MS_MAX = 2_000;
const DELIVER_MS_MAX = 10_000;
const SAVE_EVERY_MS = 400;
const WAIT_MS_MAX = 5_000;

/** Loads what is kept of the group, begins to deliver to it, and goes on beside the caller. */
export function* runGroup(bus: Bus, group: string): Task<GroupHandle> {
  const kept = yield* load(bus, group);
  const mail: Mail[] = [];
  const bell = createBell();
  const post = (input: Mail): void => {
    mail.push(input);
    bell.ring();
  };
  const state = startOf(bus, kept);
  bus.process.spawn(deliverForEver({ bus, group, mail, bell, post }, state));
  bus.process.spawn(askSplits(bus, group, post));
  return {
    handOver: (events) => post({ kind: "appended", events: events.map(deliverable) }),
    redrive: () => post({ kind: "redrive", key: null }),
  };
}

function* load({ house, process }: Bus, group: string): Task<Kept> {
  for (;;) {
    try {
      return yield* house.store.load(process, group);
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      yield* pause(house.world, 200);
    }
  }
}

const CONSUMES: Consumes = new Map([
  [ORDERED, "key"],
  [LOOSE, "none"],
]);
const REVISIONS: ReadonlyMap<string, Consumes> = new Map([
  ["r1", CONSUMES],
  ["r2", CONSUMES],
]);

function startOf({ house }: Bus, kept: Kept): DeliveryState {
  const { window, read, batch } = house.sizes;
  const options: DeliveryOptions = {
    ...DELIVERY_DEFAULTS,
    partitions: SIM_PARTITIONS,
    windowEventsMax: window,
    readEventsMax: read,
    batchEventsMax: batch,
    laneOf: cachedLane,
  };
  const suspensions = new Map<string, never>();
  return deliveryAtStart({ options, revisions: REVISIONS, ...kept, suspensions, until: null });
}

interface Running {
  readonly bus: Bus;
  readonly group: string;
  readonly mail: Mail[];
  readonly bell: ReturnType<typeof createBell>;
  readonly post: (input: Mail) => void;
}

function* deliverForEver(running: Running, start: DeliveryState): Task<void> {
  const { bus, group, mail, bell, post } = running;
  const { house, process } = bus;
  let state = start;
  process.spawn(saveCursors(bus, group, () => state));
  post({ kind: "ticked" });
  for (;;) {
    for (let input = mail.shift(); input !== undefined; input = mail.shift()) {
      const jitter = house.world.random.ms(0, 0.999);
      const stepped = house.parts.stepDelivery(state, {
        ...input,
        nowMs: process.localMs(),
        jitter,
      });
      house.world.note(
        process.name,
        group,
        input.kind,
        stepped.effects.map(({ kind }) => kind).join(),
      );
      state = stepped.state;
      for (const effect of stepped.effects) process.spawn(carryOut(running, effect));
    }
    const wakes = wakesAtMs(state);
    const waitMs = wakes === null ? WAIT_MS_MAX : wakes - process.localMs();
    yield* bell.wait(house.world, Math.min(WAIT_MS_MAX, Math.max(1, waitMs)));
    if (mail.length === 0) mail.push({ kind: "ticked" });
  }
}

function* carryOut(running: Running, effect: DeliveryEffect): Task<void> {
  const { bus, group, post } = running;
  const { house, process, fence } = bus;
  const { store } = house;
  switch (effect.kind) {
    case "deliver":
      post(yield* deliver(bus, group, effect.batch));
      return;
    case "refresh-split":
      yield* askSplit(bus, group, post);
      return;
    case "read": {
      const { partition, upTo, limit } = effect;
      const found = yield* attempt(bus, () => store.read(process, effect));
      if (found === null) post({ kind: "read-failed", partition });
      else post({ kind: "read", partition, events: found.value, upTo, limit });
      return;
    }
    case "keep": {
      const { partition, id, keeping } = effect;
      const kept = yield* attempt(bus, () => store.keep(process, fence, group, keeping));
      post({ kind: kept === null ? "keep-failed" : "kept", partition, id });
      return;
    }
    case "read-parked": {
      const { partition, lane, limit } = effect;
      const found = yield* attempt(bus, () => store.readParked(process, group, lane, limit));
      if (found === null) post({ kind: "parked-read-failed", partition, lane });
      else post({ kind: "parked-read", partition, lane, events: found.value });
      return;
    }
    default:
      unreachable(effect);
  }
}

/** Null after an error of the database; the machine decides when to try again. */
function* attempt<T>(bus: Bus, act: () => Task<T>): Task<{ readonly value: T } | null> {
  try {
    return { value: yield* act() };
  } catch (error) {
    if (error instanceof Fenced) bus.yieldTo();
    else if (!isDatabaseError(error)) throw error;
    return null;
  }
}

function* deliver({ house }: Bus, service: string, batch: Batch): Task<Mail> {
  const { revision, epoch } = batch;
  const events = batch.events.map(simEvent);
  const request = { kind: "deliver", service, revision, epoch, events } as const;
  const outcome = yield* house.network.call(house.gateway(), request, DELIVER_MS_MAX);
  const unanswered = (reason: string): Mail => ({ kind: "unanswered", batch, reason });
  if (outcome.kind !== "answered") return unanswered(outcome.kind);
  const { value } = outcome;
  if (value.kind === "stale") return { kind: "stale", batch };
  if (value.kind !== "results" || value.reply === "unavailable") return unanswered("503");
  const outcomes = value.reply.results.map(({ outcome, failure }) =>
    failure === null ? { outcome } : { outcome, ...failure },
  );
  return { kind: "answered", batch, outcomes };
}

function simEvent({ eventId, key, type, data }: DeliverableEvent): SimEvent {
  return { id: eventId, key, type, position: Number(data) };
}

function* askSplits(bus: Bus, group: string, post: (input: Mail) => void): Task<void> {
  for (;;) {
    yield* askSplit(bus, group, post);
    yield* pause(bus.house.world, SPLIT_EVERY_MS);
  }
}

function* askSplit({ house }: Bus, service: string, post: (input: Mail) => void): Task<void> {
  const request = { kind: "split", service } as const;
  const outcome = yield* house.network.call(house.gateway(), request, SPLIT_MS_MAX);
  if (outcome.kind !== "answered" || outcome.value.kind !== "split") return;
  post({ kind: "split", split: outcome.value.split });
}

/** Written down now and then: what is then delivered twice, the inbox removes. */
function* saveCursors(bus: Bus, group: string, state: () => DeliveryState): Task<void> {
  const { house, process, fence } = bus;
  let last = "";
  for (;;) {
    yield* pause(house.world, SAVE_EVERY_MS);
    const now = state();
    const cursors = now.partitions.map((_, partition) => cursorOf(now, partition));
    const text = JSON.stringify(cursors);
    if (text === last) continue;
    const saved = yield* attempt(bus, () =>
      house.store.saveCursors(process, fence, group, cursors),
    );
    if (saved !== null) last = text;
  }
}

const lanes = new Map<string, "stable" | "candidate">();

/** The gateway's own function; its hash is the costly part. */
function cachedLane(split: DeliverySplit, keyDigits: string): "stable" | "candidate" {
  const name = `${split.rollout} ${split.weight} ${split.candidate} ${keyDigits}`;
  const lane = lanes.get(name) ?? laneOfKey(split, keyDigits);
  lanes.set(name, lane);
  return lane;
}
