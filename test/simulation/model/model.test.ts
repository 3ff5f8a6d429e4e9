/** The model behaves as PostgreSQL and a network do, or surviving it would prove nothing. */
import { expect, test } from "vitest";
import { createProcess, pause } from "../kernel/process.ts";
import type { SimProcess, Task } from "../kernel/process.ts";
import { createWorld } from "../kernel/world.ts";
import type { World } from "../kernel/world.ts";
import { CommitUnknown, ConnectionLost, Database } from "./database.ts";
import type { DatabaseFaults } from "./database.ts";
import { createNetwork } from "./network.ts";
import type { NetworkFaults, Outcome } from "./network.ts";
import { atCommit, createTable } from "./table.ts";
import type { Table } from "./table.ts";

const SOUND: DatabaseFaults = { lostShare: 0, unknownShare: 0, statementMs: [1, 1] };
const NETWORK: NetworkFaults = {
  lostShare: 0,
  replyLostShare: 0,
  twiceShare: 0,
  delayMs: [1, 1],
  lateShare: 0,
  lateMs: 0,
};

interface Scene {
  readonly world: World;
  readonly database: Database;
  readonly table: Table<string>;
  /** Runs tasks, each in a process of its own, until nothing is left to happen. */
  readonly play: (...tasks: ((process: SimProcess) => Task<void>)[]) => SimProcess[];
}

function scene(faults: Partial<DatabaseFaults> = {}, seed = 1): Scene {
  const world = createWorld({ seed, traced: false });
  const all = { ...SOUND, ...faults };
  const database = new Database(world, { name: "db", skewMs: 0, faults: () => all });
  const play = (...tasks: ((process: SimProcess) => Task<void>)[]): SimProcess[] => {
    const processes = tasks.map((main, i) =>
      createProcess(world, { name: `p${i}`, skewMs: 0, driftPpm: 0, main }),
    );
    for (const process of processes) process.start();
    return processes;
  };
  return { world, database, table: createTable("things"), play };
}

test("a statement sees its own writes and what is committed, and nothing else", () => {
  const { world, database, table, play } = scene();
  const seen: (string | undefined)[] = [];
  play(
    function* (process) {
      yield* database.transaction(process, function* (t) {
        yield* t.statement([], (view) => table.put(view, "a", "one"));
        yield* t.statement([], (view) => seen.push(table.get(view, "a")));
        yield* pause(world, 10);
      });
    },
    function* (process) {
      yield* pause(world, 5);
      yield* database.transaction(process, function* (t) {
        yield* t.statement([], (view) => seen.push(table.get(view, "a")));
        yield* pause(world, 50);
        yield* t.statement([], (view) => seen.push(table.get(view, "a")));
      });
    },
  );
  world.run(() => false, 1_000);
  expect(seen).toEqual(["one", undefined, "one"]);
});

test("writes of several statements commit together, and checkers are told at that moment", () => {
  const { world, database, table, play } = scene();
  const told: number[] = [];
  play(function* (process) {
    yield* database.transaction(process, function* (t) {
      yield* t.statement([], (view) => {
        table.put(view, "a", "one");
        atCommit(view, () => told.push(table.rows.size));
      });
      yield* t.statement([], (view) => {
        table.put(view, "b", "two");
        atCommit(view, () => told.push(table.rows.size));
      });
    });
  });
  world.run(() => false, 2);
  expect(table.rows.size).toBe(0);
  world.run(() => false, 1_000);
  expect([...table.rows]).toEqual([
    ["a", "one"],
    ["b", "two"],
  ]);
  expect(told.length).toBe(2);
});

test("a lock is waited for, and a late commit has the lower number of a sequence", () => {
  const { world, database, table, play } = scene();
  const order: string[] = [];
  const write = (name: string, waitMs: number) =>
    function* (process: SimProcess): Task<void> {
      yield* database.transaction(process, function* (t) {
        const number = yield* t.statement([], (view) => view.next("ids"));
        yield* pause(world, waitMs);
        yield* t.statement(["row"], (view) => table.put(view, name, String(number)));
        yield* pause(world, 20);
        yield* t.statement([], (view) => atCommit(view, () => order.push(`${name} ${number}`)));
      });
    };
  play(write("first", 10), write("second", 0));
  world.run(() => false, 1_000);
  expect(order).toEqual(["second 2", "first 1"]);
});

test("a killed client's transaction is gone, a stopped client's holds its locks", () => {
  const { world, database, table, play } = scene();
  const ends: string[] = [];
  const hold = (name: string) =>
    function* (process: SimProcess): Task<void> {
      yield* database.transaction(process, function* (t) {
        yield* t.statement(["row"], (view) => table.put(view, "row", name));
        yield* pause(world, 100);
      });
      ends.push(`${name} ${Math.round(world.nowMs())}`);
    };
  const [killed, stopped] = play(hold("killed"), hold("stopped"), hold("third"));
  world.after(50, () => killed?.kill());
  world.after(60, () => stopped?.stop());
  world.after(2_000, () => stopped?.goOn());
  world.run(() => false, 10_000);
  expect(ends.map((end) => end.split(" ")[0])).toEqual(["stopped", "third"]);
  expect(Number(ends[0]?.split(" ")[1])).toBeGreaterThanOrEqual(2_000);
});

test("an unknown commit is sometimes done and sometimes not, and says nothing either way", () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed < 40; seed++) {
    const { world, database, table, play } = scene({ unknownShare: 1 }, seed);
    play(function* (process) {
      try {
        yield* database.transaction(process, (t) =>
          t.statement([], (view) => table.put(view, "a", "one")),
        );
      } catch (error) {
        expect(error).toBeInstanceOf(CommitUnknown);
      }
    });
    world.run(() => false, 1_000);
    outcomes.add(table.rows.has("a") ? "done" : "not done");
  }
  expect([...outcomes].sort()).toEqual(["done", "not done"]);
});

test("a crash breaks what is open, also what waits for a lock", () => {
  const { world, database, table, play } = scene();
  const errors: unknown[] = [];
  const write = function* (process: SimProcess): Task<void> {
    try {
      yield* database.transaction(process, function* (t) {
        yield* t.statement(["row"], (view) => table.put(view, "row", process.name));
        yield* pause(world, 100);
        yield* t.statement([], () => null);
      });
    } catch (error) {
      errors.push(error);
    }
  };
  play(write, write);
  world.after(50, () => database.crash(10));
  world.run(() => false, 10_000);
  expect(errors.map((error) => error instanceof ConnectionLost)).toEqual([true, true]);
  expect(table.rows.size).toBe(0);
});

test("the network loses, repeats and answers late; a killed server is a lost answer", () => {
  const ask = (faults: Partial<NetworkFaults>, during?: (server: SimProcess) => void) => {
    const { world, play } = scene();
    const network = createNetwork(world, () => ({ ...NETWORK, ...faults }));
    let done = 0;
    let outcome: Outcome<number> | null = null;
    const [server] = play(function* () {
      // It only answers.
    });
    if (server === undefined) throw new Error("It was started.");
    const answer = function* (question: number, reply: (answer: number) => void): Task<void> {
      yield* pause(world, 10);
      done++;
      reply(question + 1);
    };
    play(function* () {
      outcome = yield* network.call({ process: server, answer }, 1, 1_000);
    });
    world.after(5, () => during?.(server));
    world.run(() => false, 10_000);
    return { outcome, done };
  };
  expect(ask({})).toEqual({ outcome: { kind: "answered", value: 2 }, done: 1 });
  expect(ask({ lostShare: 1 })).toEqual({ outcome: { kind: "lost" }, done: 0 });
  expect(ask({ replyLostShare: 1 })).toEqual({ outcome: { kind: "lost" }, done: 1 });
  expect(ask({ twiceShare: 1 }).done).toBe(2);
  expect(ask({}, (server) => server.kill())).toEqual({ outcome: { kind: "lost" }, done: 0 });
  const stopped = ask({}, (server) => server.stop());
  expect(stopped).toEqual({ outcome: { kind: "lost" }, done: 0 });
});
