/**
 * Processes of the model. A task is a generator: it gives way wherever a real program would wait,
 * and there it may be killed (the rest never happens) or stopped (the rest happens much later). So
 * a driver is written as a plain program, and a crash can fall between any two of its effects.
 */
import { present } from "@tideway/kernel";
import type { World } from "./world.ts";

type Register = (wake: () => void) => void;
export type Task<T> = Generator<Register, T, void>;

export interface SimProcess {
  readonly name: string;
  /** Its own clock: wrong by a constant and too fast or too slow. */
  localMs(): number;
  isUp(): boolean;
  isStopped(): boolean;
  /** Grows with each start. */
  incarnation(): number;
  start(): void;
  /** Runs until killed. */
  spawn(task: Task<void>): void;
  /** As by kill -9: nothing more of it happens. */
  kill(): void;
  /** As by SIGSTOP and SIGCONT. */
  stop(): void;
  goOn(): void;
  /** What the system does for a process that dies: its connections break. Undone by the answer. */
  atDeath(act: () => void): () => void;
}

export interface SimProcessOptions {
  readonly name: string;
  readonly skewMs: number;
  /** Parts per million by which its clock is too fast. */
  readonly driftPpm: number;
  /** What it does when it starts. */
  readonly main: (process: SimProcess) => Task<void>;
}

export function createProcess(world: World, options: SimProcessOptions): SimProcess {
  let incarnation = 0;
  let up = false;
  let stopped = false;
  let frozen: (() => void)[] = [];
  const closers = new Set<() => void>();
  const advance = (task: Task<void>, born: number): void => {
    if (!up || incarnation !== born) return;
    if (stopped) {
      frozen.push(() => advance(task, born));
      return;
    }
    const step = task.next();
    if (step.done !== true) step.value(once(() => advance(task, born)));
  };
  const process: SimProcess = {
    name: options.name,
    localMs: () => world.nowMs() * (1 + options.driftPpm / 1e6) + options.skewMs,
    isUp: () => up,
    isStopped: () => stopped,
    incarnation: () => incarnation,
    start: () => {
      if (up) return;
      up = true;
      stopped = false;
      incarnation++;
      world.note(options.name, "starts");
      process.spawn(options.main(process));
    },
    spawn: (task) => advance(task, incarnation),
    kill: () => {
      if (!up) return;
      up = false;
      stopped = false;
      frozen = [];
      world.note(options.name, "is killed");
      const all = [...closers];
      closers.clear();
      for (const close of all) close();
    },
    stop: () => {
      if (up) stopped = true;
      world.note(options.name, "is stopped");
    },
    goOn: () => {
      if (!stopped) return;
      stopped = false;
      world.note(options.name, "goes on");
      const waiting = frozen;
      frozen = [];
      for (const act of waiting) act();
    },
    atDeath: (act) => {
      closers.add(act);
      return () => closers.delete(act);
    },
  };
  return process;
}

/** Gives way until `resume` is called, and answers what it was called with. */
export function* suspend<T>(register: (resume: (value: T) => void) => void): Task<T> {
  let box: { readonly value: T } | null = null;
  yield (wake) => {
    register((value) => {
      if (box !== null) return;
      box = { value };
      wake();
    });
  };
  return present<{ readonly value: T }>(box, "A task goes on only when it was resumed.").value;
}

export function* pause(world: World, ms: number): Task<void> {
  yield (wake) => world.after(ms, wake);
}

/** Something that a task may wait for and others may call. */
export interface Bell {
  ring(): void;
  /** Until the bell rings, or so many milliseconds have passed. */
  wait(world: World, ms: number): Task<void>;
}

export function createBell(): Bell {
  const waiting = new Set<() => void>();
  let rung = false;
  return {
    ring: () => {
      rung = waiting.size === 0;
      // Whoever is woken may wait again at once, for the next time.
      const all = [...waiting];
      for (const wake of all) wake();
    },
    *wait(world, ms) {
      if (rung) {
        rung = false;
        return;
      }
      yield* suspend<null>((resume) => {
        const wake = (): void => {
          waiting.delete(wake);
          resume(null);
        };
        waiting.add(wake);
        world.after(ms, wake);
      });
    },
  };
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}
