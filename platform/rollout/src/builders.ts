/** Builders for tests: evidence and observations with everything usual filled in. */
import { ROLLOUT_DEFAULT } from "@tideway/schema";
import type { RolloutPolicy } from "@tideway/schema";
import type { EvidenceRecord, Lane, RouteEvidence } from "./evidence.ts";
import type { Evidence } from "./judge.ts";
import { judgePolicy } from "./policy.ts";
import type { Command, Observation, RolloutPlan } from "./state.ts";
import { tallyOf } from "./tally.ts";

export const POLICY: RolloutPolicy = ROLLOUT_DEFAULT;
export const JUDGE_POLICY = judgePolicy(POLICY);

/** `count` people, all met by `lane` at `weight` percent; the first `bad` of them badly. */
export function crowdOf(lane: Lane, count: number, bad = 0, weight = 5): EvidenceRecord[] {
  const seen = Array.from({ length: count }, (_, i) => {
    return { kind: "seen", lane, person: `${lane}-${i}`, weight } as const;
  });
  return [...seen, ...seen.slice(0, bad).map((one) => ({ ...one, kind: "bad" }) as const)];
}

export function routeOf(
  stable: readonly [total: number, bad: number],
  candidate: readonly [total: number, bad: number, runMax: number],
  route = "POST /payments",
): RouteEvidence {
  return {
    route,
    stable: { total: stable[0], bad: stable[1] },
    candidate: { total: candidate[0], bad: candidate[1], runMax: candidate[2] },
  };
}

/** Evidence of a step at 5 % that began at time 0; the candidate has answered in it. */
export function evidenceOf(
  records: readonly EvidenceRecord[],
  change: Partial<Evidence> = {},
): Evidence {
  return {
    tally: tallyOf(records, JUDGE_POLICY),
    routes: [routeOf([100, 0], [10, 0, 0])],
    step: { weight: 5, startedAtMs: 0, uncountedMs: 0, requestsBefore: 0 },
    disturbed: false,
    ...change,
  };
}

export function planOf(change: Partial<RolloutPlan> = {}): RolloutPlan {
  return {
    service: "payments",
    from: "payments-7",
    to: "payments-8",
    strategy: "judged",
    policy: POLICY,
    rateBefore: 0,
    startSecondsMax: 60,
    startedBy: "operator ada",
    ...change,
  };
}

/** A look at a ready candidate without news. */
export function lookOf(change: Partial<Observation> = {}): Observation {
  return {
    candidate: { ready: 1, failure: null },
    evidence: null,
    sample: null,
    command: null,
    ...change,
  };
}

/** What control sees when the candidate has answered `requests` first attempts. */
export function seenOf(records: readonly EvidenceRecord[], requests: number): Observation {
  const routes = [routeOf([1000, 0], [requests, 0, 0])];
  return lookOf({ evidence: { tally: tallyOf(records, JUDGE_POLICY), routes } });
}

export function commandOf(action: Command["action"], change: Partial<Command> = {}): Command {
  return { action, by: "ada", ...change };
}
