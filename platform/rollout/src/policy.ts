/** What the judge is told: the service's own rollout policy and the platform's limits of error. */
import type { RolloutPolicy } from "@tideway/schema";

export interface JudgePolicy {
  readonly stepSecondsMin: number;
  readonly stepSecondsMax: number;
  /** The share of people whom a revision may fail and still pass, 0 to 1. */
  readonly badRateMax: number;
  /** r0: the candidate may be this many times as bad as stable before it counts as worse. */
  readonly ratioTolerated: number;
  /** r1: a pass may rest on the proof that the candidate is not this many times as bad. */
  readonly ratioTooBad: number;
  /** How often a candidate that is no worse may be withdrawn, over a whole rollout. */
  readonly alphaFail: number;
  /** How often a candidate that is too bad may pass, over a whole rollout, per test. */
  readonly alphaPass: number;
}

/**
 * The judge's policy for a service: what its declaration says, and the platform's defaults.
 *
 * @example judgePolicy(manifest.rollout).alphaFail // 0.01
 */
export function judgePolicy(policy: RolloutPolicy): JudgePolicy {
  return {
    stepSecondsMin: policy.stepSecondsMin,
    stepSecondsMax: policy.stepSecondsMax,
    badRateMax: policy.badRateMax,
    ratioTolerated: 1,
    ratioTooBad: 2,
    alphaFail: 0.01,
    alphaPass: 0.05,
  };
}

/**
 * What is wrong with a policy, as a phrase for `REVISION_INVALID`, or null. The schema cannot say
 * that weights rise or that the shortest time of a step is not above its longest.
 */
export function policyProblem(policy: RolloutPolicy): string | null {
  if (policy.steps.length === 0) return "its rollout has no step";
  let previous = 0;
  for (const { weight } of policy.steps) {
    if (!(weight > 0 && weight < 100)) return `the step of ${weight} % is not between 0 and 100`;
    if (weight <= previous) return `the step of ${weight} % does not rise above ${previous} %`;
    previous = weight;
  }
  if (policy.stepSecondsMin > policy.stepSecondsMax) {
    const { stepSecondsMin, stepSecondsMax } = policy;
    return `stepSecondsMin ${stepSecondsMin} is above stepSecondsMax ${stepSecondsMax}`;
  }
  if (!(policy.badRateMax > 0 && policy.badRateMax < 1)) {
    return `badRateMax ${policy.badRateMax} is not between 0 and 1`;
  }
  return null;
}
