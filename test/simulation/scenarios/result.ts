/** What one simulated run gives back. */
import type { Violation } from "../../invariants/index.ts";
import { InvariantBroken } from "@tideway/kernel";
import type { World } from "../kernel/world.ts";

export interface RunResult {
  readonly seed: number;
  readonly violations: readonly SimViolation[];
  /** Milliseconds of simulated time. */
  readonly simulatedMs: number;
  readonly events: number;
  readonly trace: readonly string[];
}

export type SimViolation =
  | Violation
  /** A machine refused an input; the run did not come to rest; a try was counted that none was. */
  | { readonly checker: "machine" | "rest" | "poison"; readonly what: string };

export interface RunOptions {
  readonly seed: number;
  /** Keeps the trace, which costs time. */
  readonly traced: boolean;
}

/** Runs until quiet and checks; a machine that throws is a violation and not the end of the search. */
export function conclude(
  world: World,
  seed: number,
  act: () => readonly SimViolation[],
): RunResult {
  let violations: readonly SimViolation[];
  try {
    violations = act();
  } catch (error) {
    if (!(error instanceof InvariantBroken)) throw error;
    violations = [{ checker: "machine", what: error.message }];
  }
  const { trace } = world;
  return { seed, violations, simulatedMs: world.nowMs(), events: world.eventsDone(), trace };
}
