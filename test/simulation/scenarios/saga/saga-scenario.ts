/**
 * Purchases over three services while workers die, stand still past their leases, and databases
 * crash around commits; operators compensate and signals come at bad moments. When all is healed
 * every saga must come to its end, and the money must be where that end says.
 */
import { isOver, newSaga, stepSaga } from "@tideway/saga";
import type { LeaseAct, SagaAct, SagaHistory } from "../../../invariants/index.ts";
import { checkBank, checkLeases, checkSagas } from "../../../invariants/index.ts";
import { createProcess } from "../../kernel/process.ts";
import type { SimProcess, Task } from "../../kernel/process.ts";
import { createWorld } from "../../kernel/world.ts";
import { createDatabase, isDatabaseError } from "../../model/database.ts";
import type { Database } from "../../model/database.ts";
import { createNetwork } from "../../model/network.ts";
import { atCommit, createTable } from "../../model/table.ts";
import { createNemesis } from "../nemesis.ts";
import { conclude } from "../result.ts";
import type { RunOptions, RunResult, SimViolation } from "../result.ts";
import { stored } from "./holder.ts";
import type { SagaHouse, SagaRow } from "./house.ts";
import { createParticipant } from "./participant.ts";
import type { Participant } from "./participant.ts";
import { SAGA_PARTS } from "./parts.ts";
import type { SagaParts } from "./parts.ts";
import { SHAPE_COUNT, schemeOf } from "./plans.ts";
import { poll, runSaga } from "./worker.ts";

const SAGAS = 6;
const WORKERS = 3;
const TROUBLE_MS = 30_000;
const REST_MS_MAX = 1_800_000;
const SKEW_MS_MAX = 60_000;
const DRIFT_PPM_MAX = 300;

export function runSagaScenario(options: RunOptions, parts: SagaParts = SAGA_PARTS): RunResult {
  const world = createWorld(options);
  return conclude(world, options.seed, () => {
    const { random } = world;
    const processes: SimProcess[] = [];
    const databases: Database[] = [];
    const nemesis = createNemesis(world, {
      untilMs: TROUBLE_MS,
      everyMs: random.pick([700, 2_000, 6_000]),
      processes: () => processes,
      databases: () => databases,
    });
    const newDatabase = (name: string): Database => {
      const skewMs = random.between(-SKEW_MS_MAX, SKEW_MS_MAX);
      const database = createDatabase(world, { name, skewMs, faults: nemesis.database });
      databases.push(database);
      return database;
    };
    const newProcess = (name: string, main: (process: SimProcess) => Task<void>): SimProcess => {
      const skewMs = random.between(-SKEW_MS_MAX, SKEW_MS_MAX);
      const driftPpm = random.between(-DRIFT_PPM_MAX, DRIFT_PPM_MAX);
      const process = createProcess(world, { name, skewMs, driftPpm, main });
      processes.push(process);
      return process;
    };
    const acts = new Map<string, SagaAct[]>();
    const leases: LeaseAct[] = [];
    const tellSaga = (saga: string, act: SagaAct): void => {
      world.note(saga, act.step, act.act);
      acts.set(saga, [...(acts.get(saga) ?? []), act]);
    };
    const refused = new Set<string>();
    const participants = ["bank", "stock", "shop"].map((name) => {
      const process = newProcess(name, idle);
      const refuses = ({ saga, step }: { saga: string; step: string }) =>
        refused.has(`${saga} ${step}`);
      return createParticipant({
        name,
        process,
        database: newDatabase(name),
        refuses,
        tell: tellSaga,
      });
    });
    const house: SagaHouse = {
      world,
      network: createNetwork(world, nemesis.network),
      database: newDatabase("orders"),
      rows: createTable("sagas"),
      participants: new Map(participants.map((one) => [one.name, one])),
      parts,
      schemeOf,
      tellLease: (act) => leases.push(act),
      tellSaga,
    };
    for (let i = 0; i < WORKERS; i++) {
      newProcess(`worker-${i}`, (process) => poll(house, process));
    }
    for (const process of processes) process.start();
    const orders = plan(house, refused);
    for (const { saga, shape, amount, atMs } of orders) {
      world.after(atMs, () =>
        begin(house, random.pick(processes.slice(-WORKERS)), saga, shape, amount),
      );
    }
    disturb(house, processes.slice(-WORKERS), orders);
    const isQuiet = (): boolean => nemesis.isHealed() && allOver(house, orders.length);
    const rested = world.run(isQuiet, TROUBLE_MS + REST_MS_MAX);
    // Whatever is still under way may do harm yet.
    world.run(() => false, world.nowMs() + 30_000);
    return check(house, { participants, acts, leases, rested });
  });
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

function* idle(): Task<void> {
  // Participants only answer.
}

/** Starts a saga once under its key, and runs it in the foreground. Its client tries again. */
function begin(
  house: SagaHouse,
  process: SimProcess,
  saga: string,
  shape: number,
  amount: number,
): void {
  const again = (): void => begin(house, process, saga, shape, amount);
  if (house.rows.rows.has(saga)) return;
  house.world.after(4_000, again);
  if (!process.isUp()) return;
  process.spawn(start(house, process, { saga, shape, amount }));
}

function* start(
  house: SagaHouse,
  process: SimProcess,
  { saga, shape, amount }: Omit<Order, "atMs">,
): Task<void> {
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

/** Signals, and operators who give up sagas, at moments that nobody chose. */
function disturb(house: SagaHouse, workers: readonly SimProcess[], orders: readonly Order[]): void {
  const { world } = house;
  const { random } = world;
  for (const { saga } of orders) {
    if (random.chance(0.8)) {
      const act = (row: SagaRow, nowMs: number): SagaRow => signalled(row, nowMs);
      world.after(random.ms(0, TROUBLE_MS), () => insist(house, random.pick(workers), saga, act));
    }
    if (random.chance(0.3)) {
      const act = (row: SagaRow, nowMs: number): SagaRow | null => givenUp(row, nowMs);
      world.after(random.ms(0, TROUBLE_MS), () => insist(house, random.pick(workers), saga, act));
    }
  }
}

type Change = (row: SagaRow, nowMs: number) => SagaRow | null;

/** As often as it takes; a request is served by whichever worker is up. */
function insist(house: SagaHouse, process: SimProcess, saga: string, act: Change): void {
  let isDone = false;
  const attempt = (): void => {
    if (isDone) return;
    house.world.after(2_000, attempt);
    if (process.isUp()) process.spawn(change(house, process, saga, act, () => (isDone = true)));
  };
  attempt();
}

function* change(
  { database, rows, tellLease }: SagaHouse,
  process: SimProcess,
  saga: string,
  act: Change,
  done: () => void,
): Task<void> {
  try {
    const isThere = yield* database.transaction(process, (t) =>
      t.statement([saga], (view) => {
        const row = rows.get(view, saga);
        const changed = row === undefined ? null : act(row, view.nowMs);
        if (row === undefined || changed === null) return row !== undefined;
        rows.put(view, saga, changed);
        const { fence } = changed.lease;
        if (fence !== row.lease.fence) {
          atCommit(view, () => tellLease({ kind: "broken", resource: saga, fence }));
        }
        return row !== undefined;
      }),
    );
    if (isThere) done();
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
  }
}

function signalled(row: SagaRow, nowMs: number): SagaRow {
  const signals = { ...row.signals, approved: true };
  const isResting = row.lease.owner === null && !isOver(row.state);
  return { ...row, signals, lease: isResting ? { ...row.lease, dueAtMs: nowMs } : row.lease };
}

/** An operator's command takes the saga from whoever runs it: the fence moves on. */
function givenUp(row: SagaRow, nowMs: number): SagaRow | null {
  const problem = { code: "GIVEN_UP", detail: "An operator gave it up." };
  const { state, effects } = stepSaga(row.state, { kind: "compensate", nowMs, problem });
  if (effects[0]?.kind !== "save") return null;
  const lease = { owner: null, fence: row.lease.fence + 1, dueAtMs: state.dueAtMs };
  return { ...row, state: stored(state), lease };
}

function allOver(house: SagaHouse, count: number): boolean {
  if (house.rows.rows.size < count) return false;
  return [...house.rows.rows.values()].every(({ state }) => isOver(state));
}

interface Seen {
  readonly participants: readonly Participant[];
  readonly acts: ReadonlyMap<string, readonly SagaAct[]>;
  readonly leases: readonly LeaseAct[];
  readonly rested: boolean;
}

function check(house: SagaHouse, { participants, acts, leases, rested }: Seen): SimViolation[] {
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
    ...participants.flatMap((one) => checkBank(booksOf(one))),
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
