/** A planted bug: a scenario in which one machine or one interpretation of its effects is wrong. */
import type { RunOptions, RunResult } from "../scenarios/result.ts";
import { runEventScenario } from "../scenarios/events/events-scenario.ts";
import { EVENT_PARTS } from "../scenarios/events/parts.ts";
import type { EventParts } from "../scenarios/events/parts.ts";
import { SAGA_PARTS } from "../scenarios/saga/parts.ts";
import type { SagaParts } from "../scenarios/saga/parts.ts";
import { runSagaScenario } from "../scenarios/saga/saga-scenario.ts";

export interface Mutant {
  readonly name: string;
  readonly run: (options: RunOptions) => RunResult;
}

export function eventMutant(name: string, wrong: Partial<EventParts>): Mutant {
  const parts = { ...EVENT_PARTS, ...wrong };
  return { name, run: (options) => runEventScenario(options, parts) };
}

export function sagaMutant(name: string, wrong: Partial<SagaParts>): Mutant {
  const parts = { ...SAGA_PARTS, ...wrong };
  return { name, run: (options) => runSagaScenario(options, parts) };
}
