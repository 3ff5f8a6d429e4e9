/**
 * Which version of a saga new ones begin by. A revision carries N and N-1. It begins N only when N
 * has been around for its bake time, so that a candidate that is withdrawn leaves nothing that the
 * revision it is withdrawn for cannot carry on with. Where N is the only version ever seen there is
 * nothing to fall back to, and N begins at once.
 */
import type { SagaDefinition } from "./define-saga.ts";
import { sagaErrors } from "./errors.ts";
import type { SeenVersion } from "./store/upkeep.ts";

export const START_NEW_AFTER_MS = 600_000;

export interface VersionChoice {
  readonly definitions: readonly SagaDefinition[];
  readonly seen: readonly SeenVersion[];
  /** Since `seen` was read. */
  readonly elapsedMs: number;
  readonly startNewAfterMs: number;
}

/** The newest version of each saga: those whose first appearance is written down. */
export function newestOf(definitions: readonly SagaDefinition[]): SagaDefinition[] {
  const byName = Map.groupBy(definitions, ({ name }) => name);
  return [...byName.values()].flatMap((all) =>
    all.toSorted((a, b) => b.version - a.version).slice(0, 1),
  );
}

/** The definition to begin by. Throws SAGA_UNKNOWN. */
export function definitionToStart(name: string, choice: VersionChoice): SagaDefinition {
  const carried = choice.definitions
    .filter((one) => one.name === name)
    .sort((a, b) => b.version - a.version);
  const [newest, older] = carried;
  if (newest === undefined) throw sagaErrors.error("SAGA_UNKNOWN", { given: { name } });
  if (older === undefined) return newest;
  const seen = choice.seen.filter((one) => one.name === name);
  const isAlone = seen.every((one) => one.version === newest.version);
  const ageMs = seen.find((one) => one.version === newest.version)?.ageMs ?? 0;
  return isAlone || ageMs + choice.elapsedMs >= choice.startNewAfterMs ? newest : older;
}
