import { backoffMs } from "@tideway/kernel";

export interface RestartPolicy {
  /** Longest delay of the second restart; doubles with each later one. */
  readonly restartDelayMs: number;
  readonly maxRestartDelayMs: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * Milliseconds to wait before restart number `attempt` (from 0) of a run of early exits.
 *
 * The first is immediate: most crashes are single. Later ones wait between half and all of a
 * delay that doubles: the half keeps a revision that always crashes from spinning, the random
 * rest keeps many instances from starting in the same moment.
 */
export function restartWaitMs(attempt: number, policy: RestartPolicy): number {
  if (attempt === 0) return 0;
  const ceiling = Math.min(policy.maxRestartDelayMs, policy.restartDelayMs * 2 ** (attempt - 1));
  const half = ceiling / 2;
  return Math.round(half + backoffMs(1, { baseMs: half, maxMs: half, random: policy.random }));
}
