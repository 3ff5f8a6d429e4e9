/** Runs seeds: the sound machines must survive all of them, each planted bug must be found by one. */
import type { Mutant } from "./mutants/mutant.ts";
import { runEventScenario } from "./scenarios/events/events-scenario.ts";
import type { RunOptions, RunResult } from "./scenarios/result.ts";
import { runSagaScenario } from "./scenarios/saga/saga-scenario.ts";

export const SCENARIOS: Readonly<Record<string, (options: RunOptions) => RunResult>> = {
  events: (options) => runEventScenario(options),
  sagas: (options) => runSagaScenario(options),
};

export interface Survival {
  readonly scenario: string;
  readonly seeds: number;
  readonly failed: readonly RunResult[];
  readonly simulatedMs: number;
  readonly realMs: number;
}

export interface Found {
  readonly mutant: string;
  /** The place of the first seed that found it, from 1; null when none did. */
  readonly seeds: number | null;
  readonly seed: number | null;
  readonly checker: string;
  readonly what: string;
}

/** Stops early when three seeds have failed. */
export function survive(scenario: string, firstSeed: number, seeds: number): Survival {
  const run = SCENARIOS[scenario];
  if (run === undefined) throw new Error(`There is no scenario ${scenario}.`);
  const startedMs = performance.now();
  const failed: RunResult[] = [];
  let simulatedMs = 0;
  let done = 0;
  for (; done < seeds && failed.length < 3; done++) {
    const result = run({ seed: firstSeed + done, traced: false });
    simulatedMs += result.simulatedMs;
    if (result.violations.length > 0) failed.push(result);
  }
  const realMs = performance.now() - startedMs;
  return { scenario, seeds: done, failed, simulatedMs, realMs };
}

export function find(mutant: Mutant, firstSeed: number, seedsMax: number): Found {
  for (let i = 0; i < seedsMax; i++) {
    const [first] = mutant.run({ seed: firstSeed + i, traced: false }).violations;
    if (first === undefined) continue;
    const { checker, what } = first;
    return { mutant: mutant.name, seeds: i + 1, seed: firstSeed + i, checker, what };
  }
  return { mutant: mutant.name, seeds: null, seed: null, checker: "-", what: "not found" };
}

/** The table of seeds-to-find, for people. */
export function tableOf(found: readonly Found[]): string {
  const lines = found.map(({ mutant, seeds, checker, what }) =>
    [mutant.padEnd(44), String(seeds ?? "-").padStart(6), checker.padEnd(8), what].join("  "),
  );
  const head = ["planted bug".padEnd(44), " seeds", "checker ", "first sign"].join("  ");
  return [head, ...lines].join("\n");
}

export function rateOf(survivals: readonly Survival[]): string {
  return survivals
    .map(({ scenario, seeds, simulatedMs, realMs }) => {
      const minutes = realMs / 60_000;
      const perMinute = Math.round(seeds / minutes);
      const hours = (simulatedMs / 3_600_000 / minutes).toFixed(1);
      return `${scenario}: ${seeds} seeds, ${perMinute} seeds/min, ${hours} simulated hours/min`;
    })
    .join("\n");
}
