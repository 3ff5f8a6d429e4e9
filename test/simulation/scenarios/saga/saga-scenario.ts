/**
 * Purchases over three services while workers die, stand still past their leases, and databases
 * crash around commits; operators compensate and signals come at bad moments. When all is healed
 * every saga must come to its end, and the money must be where that end says.
 */
import { isOver, newSaga } from "@tideway/saga";
import type { LeaseAct, SagaAct, SagaHistory } from "../../../invariants/index.ts";
import { checkBank, checkLeases, checkSagas } from "../../../invariants/index.ts";
import type { SimProcess, Task } from "../../kernel/process.ts";
import { createWorld } from "../../kernel/world.ts";
import { isDatabaseError } from "../../model/database.ts";
import { createNetwork } from "../../model/network.ts";
import { createTable } from "../../model/table.ts";
import { conclude } from "../result.ts";
import type { RunOptions, RunResult, SimViolation } from "../result.ts";
import { createStage, onlyAnswers } from "../stage.ts";
import type { Stage } from "../stage.ts";
import { disturb } from "./disturb.ts";
import { stored } from "./holder.ts";
import type { SagaHouse } from "./house.ts";
import { Participant } from "./participant.ts";
import { SAGA_PARTS } from "./parts.ts";
import type { SagaParts } from "./parts.ts";
import { SHAPE_COUNT, schemeOf } from "./plans.ts";
import { poll, runSaga } from "./worker.ts";

const SAGAS = 6;
const WORKERS = 3;
const TROUBLE_MS = 30_000;
const REST_MS_MAX = 1_800_000;
const CLIENT_RETRY_MS = 4_000;

export function runSagaScenario(options: RunOptions, parts: SagaParts = SAGA_PARTS): RunResult {
  const world = createWorld(options);
  return conclude(world, options.seed, () => {
    const everyMs = world.random.pick([700, 2_000, 6_000]);
    const stage = createStage(world, { untilMs: TROUBLE_MS, everyMs });
    const history: History = { acts: new Map(), leases: [] };
    const refused = new Set<string>();
    const house = createHouse(stage, parts, history, refused);
    const workers = Array.from({ length: WORKERS }, (_, i) =>
      stage.newProcess(`worker-${i}`, (process) => poll(house, process)),
    );
    for (const process of stage.processes) process.start();
    const orders = plan(house, refused);
    for (const order of orders) {
      world.after(order.atMs, () => begin(house, world.random.pick(workers), order));
    }
    disturb(
      house,
      workers,
      orders.map(({ saga }) => saga),
      TROUBLE_MS,
    );
    const isQuiet = (): boolean => stage.nemesis.isHealed() && allOver(house, orders.length);
    const rested = world.run(isQuiet, TROUBLE_MS + REST_MS_MAX);
    // Whatever is still under way may do harm yet.
    world.run(() => false, world.nowMs() + 30_000);
    return check(house, history, rested);
  });
}

/** What the checkers are told while a run goes on. */
interface History {
  /** What took effect or was undone, by saga. */
  readonly acts: Map<string, SagaAct[]>;
  readonly leases: LeaseAct[];
}

function createHouse(
  stage: Stage,
  parts: SagaParts,
  { acts, leases }: History,
  refused: ReadonlySet<string>,
): SagaHouse {
  const { world, nemesis } = stage;
  const tellSaga = (saga: string, act: SagaAct): void => {
    world.note(saga, act.step, act.act);
    acts.set(saga, [...(acts.get(saga) ?? []), act]);
  };
  const participants = ["bank", "stock", "shop"].map((name) => {
    return new Participant({
      name,
      process: stage.newProcess(name, onlyAnswers),
      database: stage.newDatabase(name),
      refuses: ({ saga, step }) => refused.has(`${saga} ${step}`),
      tell: tellSaga,
    });
  });
  return {
    world,
    network: createNetwork(world, nemesis.network),
    database: stage.newDatabase("orders"),
    rows: createTable("sagas"),
    participants: new Map(participants.map((one) => [one.name, one])),
    parts,
    schemeOf,
    tellLease: (act) => leases.push(act),
    tellSaga,
  };
}

interface Order {
  readonly saga: string;
  readonly shape: number;
  readonly amount: number;
  readonly atMs: number;
}

/** One saga in three is refused by somebody. */
function plan({ world: { random } }: SagaHouse, refused: Set<string>): Order[] {
  return Array.from({ length: SAGAS }, (_, i) => {
    const saga = `sga-${i}`;
    if (random.chance(0.35)) refused.add(`${saga} ${random.pick(["hold", "stock", "charge"])}`);
    const shape = random.between(0, SHAPE_COUNT - 1);
    return { saga, shape, amount: random.between(1, 50), atMs: random.ms(0, TROUBLE_MS * 0.7) };
  });
}

/** Starts a saga once under its key, and runs it in the foreground. Its client tries again. */
function begin(house: SagaHouse, process: SimProcess, order: Order): void {
  if (house.rows.rows.has(order.saga)) return;
  house.world.after(CLIENT_RETRY_MS, () => begin(house, process, order));
  if (process.isUp()) process.spawn(start(house, process, order));
}

function* start(house: SagaHouse, process: SimProcess, { saga, shape, amount }: Order): Task<void> {
  const { database, rows } = house;
  try {
    yield* database.transaction(process, (t) =>
      t.statement([saga], (view) => {
        if (rows.get(view, saga) !== undefined) return;
        const state = stored(newSaga({ saga, plan: schemeOf(shape).plan, nowMs: view.nowMs }));
        const lease = { owner: null, fence: 0, dueAtMs: view.nowMs };
        rows.put(view, saga, { saga, shape, amount, state, lease, signals: {} });
      }),
    );
  } catch (error) {
    if (isDatabaseError(error)) return;
    throw error;
  }
  yield* runSaga(house, process, saga, true);
}

function allOver(house: SagaHouse, count: number): boolean {
  if (house.rows.rows.size < count) return false;
  return [...house.rows.rows.values()].every(({ state }) => isOver(state));
}

function check(house: SagaHouse, { acts, leases }: History, rested: boolean): SimViolation[] {
  const rows = [...house.rows.rows.values()];
  const histories = rows.map(({ saga, state, shape }): SagaHistory => {
    const { shapes } = schemeOf(shape);
    const steps = shapes.filter(({ kind }) => kind !== "timer" && kind !== "signal");
    const happened = acts.get(saga) ?? [];
    return {
      saga,
      state: state.phase,
      happened,
      steps: steps.map(({ name }) => name),
      pivot: "charge",
    };
  });
  const restless = rows.filter(({ state, lease }) => isOver(state) && lease.dueAtMs !== null);
  return [
    ...checkSagas(histories),
    ...[...house.participants.values()].flatMap((one) => checkBank(booksOf(one))),
    ...checkLeases(leases),
    ...(rested ? [] : [{ checker: "rest" as const, what: "not all sagas were over in time" }]),
    ...restless.map(({ saga }) => ({ checker: "rest" as const, what: `${saga} is over and due` })),
  ];
}

function booksOf(participant: Participant) {
  const accounts = [...participant.balances()].map(([account, balance]) => ({
    account: `${participant.name}.${account}`,
    asset: "EUR",
    balance: BigInt(balance),
    floor: account === "payer" ? null : 0n,
  }));
  return { accounts, holdsOpen: participant.holdsOpen() };
}
