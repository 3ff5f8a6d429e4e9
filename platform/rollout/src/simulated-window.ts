/** Distinct people of the last 10 s and those with a bad answer, for the simulation's guard. */
import type { PeopleSample } from "./evidence.ts";

const WINDOW_MS = 10_000;

export interface SimulatedWindow {
  add(person: number, nowMs: number, isBad: boolean): void;
  sample(nowMs: number): PeopleSample;
}

/** A window over a crowd of `size` people. */
export function createWindow(size: number): SimulatedWindow {
  const seenAtMs = new Float64Array(size).fill(-Infinity);
  const badAtMs = new Float64Array(size).fill(-Infinity);
  const recent = (times: Float64Array, nowMs: number): number =>
    times.reduce((sum, atMs) => sum + (atMs > nowMs - WINDOW_MS ? 1 : 0), 0);
  return {
    add: (person, nowMs, isBad) => {
      seenAtMs[person] = nowMs;
      if (isBad) badAtMs[person] = nowMs;
    },
    sample: (nowMs) => {
      return { seen: recent(seenAtMs, nowMs), bad: recent(badAtMs, nowMs) };
    },
  };
}
