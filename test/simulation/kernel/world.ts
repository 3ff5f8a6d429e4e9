/**
 * The simulated world: one true clock, one queue of things to come, one seed. Nothing in a run asks
 * the machine's own clock or its own randomness, so a seed gives the same run each time. Things that
 * fall on the same instant happen in the order in which they were planned.
 */
import { InvariantBroken } from "@tideway/kernel";
import { simRandom } from "./random.ts";
import type { SimRandom } from "./random.ts";

export interface World {
  readonly random: SimRandom;
  /** Milliseconds of true time since the run began. No process of the model may read it. */
  nowMs(): number;
  /** Does `act` after so many milliseconds of true time. */
  after(delayMs: number, act: () => void): void;
  /** Writes a line of the trace; the parts are only joined when somebody reads it. */
  note(...parts: readonly (string | number)[]): void;
  readonly trace: readonly string[];
  /** Goes on until `isOver` or the limit; answers whether it was over in time. */
  run(isOver: () => boolean, limitMs: number): boolean;
  eventsDone(): number;
}

/** More than any sound run needs: a run that reaches it goes round in circles. */
const EVENTS_MAX = 400_000;

export function createWorld(options: { readonly seed: number; readonly traced: boolean }): World {
  const queue = createQueue();
  const trace: string[] = [];
  let nowMs = 0;
  let done = 0;
  return {
    random: simRandom(options.seed),
    trace,
    nowMs: () => nowMs,
    eventsDone: () => done,
    after: (delayMs, act) => queue.add(nowMs + Math.max(0, delayMs), act),
    note: (...parts) => {
      if (options.traced) trace.push(`${nowMs.toFixed(3)} ${parts.join(" ")}`);
    },
    run: (isOver, limitMs) => {
      while (!isOver()) {
        if (queue.nextAtMs() > limitMs) return false;
        const next = queue.take();
        if (next === undefined) return false;
        if (done++ > EVENTS_MAX) throw new InvariantBroken("The run goes round in circles.");
        nowMs = next.atMs;
        next.act();
      }
      return true;
    },
  };
}

interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly act: () => void;
}

interface Queue {
  /** Infinity when nothing is planned. */
  nextAtMs(): number;
  add(atMs: number, act: () => void): void;
  take(): Planned | undefined;
}

/** A binary heap; ties go by the order of planning. */
function createQueue(): Queue {
  const heap: Planned[] = [];
  let planned = 0;
  const isBefore = (a: Planned, b: Planned): boolean =>
    a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
  const swapIf = (upper: number, lower: number): boolean => {
    const [above, below] = [heap[upper], heap[lower]];
    if (above === undefined || below === undefined || !isBefore(below, above)) return false;
    heap[upper] = below;
    heap[lower] = above;
    return true;
  };
  const sink = (): void => {
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const [a, b] = [heap[left], heap[right]];
      if (a === undefined) return;
      const lesser = b !== undefined && isBefore(b, a) ? right : left;
      if (!swapIf(at, lesser)) return;
      at = lesser;
    }
  };
  return {
    nextAtMs: () => heap[0]?.atMs ?? Infinity,
    add: (atMs, act) => {
      heap.push({ atMs, order: planned++, act });
      for (let at = heap.length - 1; at > 0;) {
        const parent = (at - 1) >> 1;
        if (!swapIf(parent, at)) return;
        at = parent;
      }
    },
    take: () => {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined || heap.length === 0) return first;
      heap[0] = last;
      sink();
      return first;
    },
  };
}
