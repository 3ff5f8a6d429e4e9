/** What goes wrong in a run until it is healed: processes die and stand still, databases crash. */
import type { SimProcess } from "../kernel/process.ts";
import type { World } from "../kernel/world.ts";
import type { Database, DatabaseFaults } from "../model/database.ts";
import type { NetworkFaults } from "../model/network.ts";

export interface Nemesis {
  readonly isHealed: () => boolean;
  readonly network: () => NetworkFaults;
  readonly database: () => DatabaseFaults;
}

export interface NemesisOptions {
  readonly untilMs: number;
  /** The mean between two blows. */
  readonly everyMs: number;
  readonly processes: () => readonly SimProcess[];
  readonly databases: () => readonly Database[];
}

const SOUND_NETWORK: NetworkFaults = {
  lostShare: 0,
  replyLostShare: 0,
  twiceShare: 0,
  delayMs: [0.2, 3],
  lateShare: 0,
  lateMs: 0,
};
const SOUND_DATABASE: DatabaseFaults = { lostShare: 0, unknownShare: 0, statementMs: [0.1, 2] };
const STOP_MS_MAX = 12_000;
const DOWN_MS_MAX = 3_000;

/** Runs differ in what they suffer from: some are calm but for one kind of fault. */
export function createNemesis(world: World, options: NemesisOptions): Nemesis {
  const { random } = world;
  const level = (most: number): number => (random.chance(0.6) ? random.ms(0, most) : 0);
  const network: NetworkFaults = {
    lostShare: level(0.08),
    replyLostShare: level(0.08),
    twiceShare: level(0.15),
    delayMs: [0.2, random.pick([2, 20, 200])],
    lateShare: level(0.1),
    lateMs: random.pick([500, 5_000, 20_000]),
  };
  const database: DatabaseFaults = {
    lostShare: level(0.02),
    unknownShare: level(0.06),
    statementMs: [0.1, random.pick([1, 5, 40])],
  };
  const isHealed = (): boolean => world.nowMs() >= options.untilMs;
  const blow = (): void => {
    if (isHealed()) return;
    strike(world, options);
    world.after(random.ms(0, 2 * options.everyMs), blow);
  };
  world.after(random.ms(0, 2 * options.everyMs), blow);
  world.after(options.untilMs, () => {
    world.note("all is healed");
    for (const process of options.processes()) {
      process.goOn();
      process.start();
    }
  });
  return {
    isHealed,
    network: () => (isHealed() ? SOUND_NETWORK : network),
    database: () => (isHealed() ? SOUND_DATABASE : database),
  };
}

function strike(world: World, options: NemesisOptions): void {
  const { random } = world;
  const kind = random.pick(["kill", "kill", "kill", "stop", "stop", "crash"] as const);
  if (kind === "crash") {
    const databases = options.databases();
    random.pick(databases).crash(random.ms(50, DOWN_MS_MAX));
    return;
  }
  const process = random.pick(options.processes());
  if (kind === "kill") {
    process.kill();
    world.after(random.ms(100, DOWN_MS_MAX), () => process.start());
  } else {
    process.stop();
    world.after(random.ms(200, STOP_MS_MAX), () => process.goOn());
  }
}
