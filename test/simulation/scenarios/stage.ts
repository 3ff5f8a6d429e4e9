/** What both scenarios stand on: processes and databases with wrong clocks, and a nemesis over them. */
import { createProcess } from "../kernel/process.ts";
import type { SimProcess, Task } from "../kernel/process.ts";
import type { World } from "../kernel/world.ts";
import { Database } from "../model/database.ts";
import { createNemesis } from "./nemesis.ts";
import type { Nemesis } from "./nemesis.ts";

export interface Stage {
  readonly world: World;
  readonly processes: readonly SimProcess[];
  readonly nemesis: Nemesis;
  newProcess(name: string, main: (process: SimProcess) => Task<void>): SimProcess;
  newDatabase(name: string): Database;
}

export interface StageOptions {
  /** When all is healed. */
  readonly untilMs: number;
  /** The mean between two blows. */
  readonly everyMs: number;
}

const SKEW_MS_MAX = 60_000;
const DRIFT_PPM_MAX = 300;

export function createStage(world: World, options: StageOptions): Stage {
  const { random } = world;
  const processes: SimProcess[] = [];
  const databases: Database[] = [];
  const nemesis = createNemesis(world, {
    ...options,
    processes: () => processes,
    databases: () => databases,
  });
  const skewMs = (): number => random.between(-SKEW_MS_MAX, SKEW_MS_MAX);
  return {
    world,
    processes,
    nemesis,
    newProcess: (name, main) => {
      const driftPpm = random.between(-DRIFT_PPM_MAX, DRIFT_PPM_MAX);
      const process = createProcess(world, { name, skewMs: skewMs(), driftPpm, main });
      processes.push(process);
      return process;
    },
    newDatabase: (name) => {
      const faults = nemesis.database;
      const database = new Database(world, { name, skewMs: skewMs(), faults });
      databases.push(database);
      return database;
    },
  };
}

/** The main of a process that only answers. */
export function* onlyAnswers(): Task<void> {
  // Requests come from the network.
}
