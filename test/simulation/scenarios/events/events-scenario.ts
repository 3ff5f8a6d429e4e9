/**
 * Events on their way from two producers over the bus to two consumers, while everything dies, the
 * splits move, and some events are poison for some revisions. When all is healed, every committed
 * event must have had its effect once in each consumer, and each key's in their order.
 */
import type { DeliverySplit, TroubledLane } from "@tideway/bus";
import { checkLeases, checkOrder, checkSet } from "../../../invariants/index.ts";
import type { Applied, LeaseAct } from "../../../invariants/index.ts";
import { createBell } from "../../kernel/process.ts";
import { createWorld } from "../../kernel/world.ts";
import type { World } from "../../kernel/world.ts";
import { createNetwork } from "../../model/network.ts";
import { createTable } from "../../model/table.ts";
import { conclude } from "../result.ts";
import type { RunOptions, RunResult, SimViolation } from "../result.ts";
import { createStage, onlyAnswers } from "../stage.ts";
import type { Stage } from "../stage.ts";
import { runBus } from "./bus.ts";
import type { BusHouse } from "./bus.ts";
import { BusStore } from "./bus-store.ts";
import { createInstance } from "./consumer.ts";
import type { ConsumerHouse } from "./consumer.ts";
import { createGateway, release } from "./gateway.ts";
import type { Instance } from "./gateway.ts";
import { EVENT_PARTS } from "./parts.ts";
import type { EventParts } from "./parts.ts";
import { ORDERED, produce } from "./producer.ts";
import type { ProducerHouse, SimEvent, SimRow } from "./producer.ts";

const PRODUCERS = ["shop", "bank"];
const CONSUMERS = ["mail", "books"];
const TROUBLE_MS = 25_000;
/** A producer's last transactions may have stood still or waited for locks: by then they are over. */
const LAST_COMMIT_MS = TROUBLE_MS + 20_000;
/** Poison is gone then, after some keys were quarantined and others only nearly. */
const POISON_MS_MAX = 800_000;
const REST_MS_MAX = 2_400_000;

/** What the checkers are told while a run goes on. */
interface History {
  readonly committed: SimEvent[];
  readonly applied: Map<string, SimEvent[]>;
  /** Events that an instance answered as failed, by consumer. */
  readonly failed: Set<string>;
  readonly lanes: { readonly group: string; readonly lane: TroubledLane }[];
  readonly leases: LeaseAct[];
}

export function runEventScenario(options: RunOptions, parts: EventParts = EVENT_PARTS): RunResult {
  const world = createWorld(options);
  return conclude(world, options.seed, () => {
    const history: History = {
      committed: [],
      applied: new Map(CONSUMERS.map((name) => [name, []])),
      failed: new Set(),
      lanes: [],
      leases: [],
    };
    const everyMs = world.random.pick([500, 1_500, 6_000]);
    const stage = createStage(world, { untilMs: TROUBLE_MS, everyMs });
    const network = createNetwork(world, stage.nemesis.network);
    const producers = PRODUCERS.map((name) => createProducer(stage, name, history));
    const instances = createInstances(stage, parts, history);
    const splits = new Map<string, DeliverySplit>();
    const gatewayProcess = stage.newProcess("gateway", onlyAnswers);
    const gateway = createGateway({ network, splits, instances }, gatewayProcess);
    for (const name of CONSUMERS) release(world, splits, name);
    const house: BusHouse = {
      world,
      network,
      parts,
      producers,
      groups: CONSUMERS,
      store: new BusStore(stage.newDatabase("bus"), {
        lease: (act) => history.leases.push(act),
        lane: (group, lane) => history.lanes.push({ group, lane }),
      }),
      gateway: () => gateway,
      memory: new Map(PRODUCERS.map((name) => [name, new Map<string, number>()])),
      sizes: world.random.pick([
        { window: 2_000, read: 500, batch: 200 },
        { window: 12, read: 4, batch: 3 },
      ]),
      redriveEveryMs: 60_000,
      mayRedrive: stage.nemesis.isHealed,
    };
    // Two of them, as when a new one is started while the old one stands still.
    for (const name of ["bus-a", "bus-b"])
      stage.newProcess(name, (process) => runBus(house, process));
    for (const process of stage.processes) process.start();
    const isQuiet = (): boolean => world.nowMs() > LAST_COMMIT_MS && isAllApplied(house, history);
    const rested = world.run(isQuiet, TROUBLE_MS + REST_MS_MAX);
    // Whatever is still under way may do harm yet.
    world.run(() => false, world.nowMs() + 30_000);
    return check(history, rested);
  });
}

function createProducer(stage: Stage, name: string, history: History): ProducerHouse {
  const { world } = stage;
  const house: ProducerHouse = {
    world,
    name,
    database: stage.newDatabase(name),
    outbox: createTable<SimRow>("outbox"),
    positions: createTable<number>("positions"),
    bell: createBell(),
    keys: Array.from({ length: 5 }, (_, i) => `${name}-${i}`),
    tellCommitted: (event) => history.committed.push(event),
  };
  const everyMs = world.random.pick([400, 900, 2_500]);
  stage.newProcess(name, (process) => produce(house, process, TROUBLE_MS, everyMs));
  return house;
}

function createInstances(
  stage: Stage,
  parts: EventParts,
  history: History,
): ReadonlyMap<string, Instance> {
  const { world } = stage;
  const instances = new Map<string, Instance>();
  for (const name of CONSUMERS) {
    const house: ConsumerHouse = {
      world,
      name,
      database: stage.newDatabase(name),
      inbox: createTable<true>("inbox"),
      parts,
      isPoison: poisonOf(world),
      handlerMsMax: world.random.pick([1, 10, 400]),
      tellApplied: (event) => history.applied.get(name)?.push(event),
      tellFailed: ({ id }) => history.failed.add(`${name} ${id}`),
    };
    for (const revision of ["r1", "r2"]) {
      const process = stage.newProcess(`${name}-${revision}`, onlyAnswers);
      instances.set(`${name} ${revision}`, createInstance(house, revision, process));
    }
  }
  return instances;
}

/** A few events that nobody digests for a while, and in some runs a revision that digests little. */
function poisonOf(world: World): ConsumerHouse["isPoison"] {
  const { random } = world;
  const untilMs = random.ms(0, random.pick([10_000, 60_000, POISON_MS_MAX]));
  const share = random.pick([0, 0, 0.04]);
  const badShare = random.pick([0, 0, 0, 0.2, 1]);
  const badUntilMs = random.ms(0, 40_000);
  const known = new Map<string, { readonly isPoison: boolean; readonly isBad: boolean }>();
  return (revision, { id }) => {
    const kind = known.get(id) ?? {
      isPoison: random.chance(share),
      isBad: random.chance(badShare),
    };
    known.set(id, kind);
    if (kind.isPoison && world.nowMs() < untilMs) return true;
    return revision === "r2" && kind.isBad && world.nowMs() < badUntilMs;
  };
}

function isAllApplied({ producers, store }: BusHouse, { committed, applied }: History): boolean {
  if (producers.some(({ outbox }) => outbox.rows.size > 0)) return false;
  for (const events of applied.values()) if (events.length < committed.length) return false;
  return store.lanesInTrouble() === 0;
}

function check(history: History, rested: boolean): SimViolation[] {
  const { committed, applied, failed, lanes, leases } = history;
  const places = new Map([...applied].map(([name, events]) => [name, events.map(({ id }) => id)]));
  const ordered = [...applied].flatMap(([place, events]) =>
    events
      .filter(({ type }) => type === ORDERED)
      .map(({ key, position }): Applied => ({ place, key, position })),
  );
  const slandered = lanes.filter(
    ({ group, lane }) => lane.tries > 0 && !failed.has(`${group} ${lane.eventId}`),
  );
  return [
    ...checkSet({ expected: committed.map(({ id }) => id), places }),
    ...checkOrder(ordered),
    ...checkLeases(leases),
    ...slandered.slice(0, 3).map(({ group, lane }) => ({
      checker: "poison" as const,
      what: `${group}: ${lane.eventId} counts as failed, and no instance said so`,
    })),
    ...(rested ? [] : [{ checker: "rest" as const, what: "it did not come to rest in time" }]),
  ];
}
