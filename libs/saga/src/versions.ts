/**
 * Which version of a saga new ones begin by. A revision carries N and N-1. It begins N only when for
 * the whole of its bake time N was carried and no instance was there that carries nothing newer than
 * an older version: neither a candidate that may be withdrawn nor the revision that it would be
 * withdrawn for can then strand anything. A version that was away for a while, as after a rollback,
 * bakes again. Where N is the only version ever seen there is nothing to fall back to, and N begins
 * at once.
 */
import type { SagaDefinition } from "./define-saga.ts";
import { sagaErrors } from "./errors.ts";
import type { NotedVersion, SeenVersion } from "./store/definitions.ts";

export const START_NEW_AFTER_MS = 600_000;

export interface VersionChoice {
  readonly definitions: readonly SagaDefinition[];
  /** As it was written down at most some seconds ago. */
  readonly seen: readonly SeenVersion[];
  readonly startNewAfterMs: number;
}

/** What an instance writes down of the versions that it carries. */
export function notedOf(definitions: readonly SagaDefinition[]): NotedVersion[] {
  return definitions.map(({ name, version }) => {
    const isNewer = (one: SagaDefinition): boolean => one.name === name && one.version > version;
    return { name, version, isNewest: !definitions.some(isNewer) };
  });
}

/** The definition to begin by. Throws SAGA_UNKNOWN. */
export function definitionToStart(name: string, choice: VersionChoice): SagaDefinition {
  const carried = choice.definitions
    .filter((one) => one.name === name)
    .sort((a, b) => b.version - a.version);
  const [newest, older] = carried;
  if (newest === undefined) throw sagaErrors.error("SAGA_UNKNOWN", { given: { name } });
  if (older === undefined) return newest;
  return bakedMs(newest, choice.seen) >= choice.startNewAfterMs ? newest : older;
}

/** For how long every instance that was seen has carried it. */
function bakedMs({ name, version }: SagaDefinition, all: readonly SeenVersion[]): number {
  const seen = all.filter((one) => one.name === name);
  const before = seen.filter((one) => one.version < version && one.newestAgoMs !== null);
  if (before.length === 0) return Number.POSITIVE_INFINITY;
  const ageMs = seen.find((one) => one.version === version)?.ageMs ?? 0;
  return Math.min(ageMs, ...before.map((one) => one.newestAgoMs ?? 0));
}
