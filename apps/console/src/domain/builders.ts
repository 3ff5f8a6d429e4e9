/** Builders for tests: a whole object with what the test is about on top. */
import type { LaneNumbers, Rollout, ServiceSummary } from "@tideway/api-admin";

/** Where the tests' time stands: 2026-11-20 14:02:10 UTC. */
export const NOW_MS = Date.UTC(2026, 10, 20, 14, 2, 10);

/** A time of the api, `offsetMs` from `NOW_MS`. */
export const at = (offsetMs: number): string => new Date(NOW_MS + offsetMs).toISOString();

export function aRollout(over: Partial<Rollout> = {}): Rollout {
  return {
    rollout: "rol_01kb0000000000000000000000",
    service: "payments",
    from: "payments-7",
    to: "payments-8",
    state: "progressing",
    step: 1,
    steps: [{ weight: 5 }, { weight: 25 }, { weight: 50 }],
    weight: 25,
    actualShare: 24.9,
    stepStartedAt: at(-40_000),
    nextLookAt: at(12_000),
    verdict: null,
    stable: aLane({ revision: "payments-7" }),
    candidate: aLane({ revision: "payments-8" }),
    decisions: [],
    badRequests: [],
    failureLog: [],
    actions: ["pause", "promote", "abort"],
    startedAt: at(-110_000),
    finishedAt: null,
    startedBy: "operator 2",
    ...over,
  };
}

export function aLane(over: Partial<LaneNumbers> = {}): LaneNumbers {
  return {
    revision: "payments-7",
    requests: 600,
    requestsPerSecond: 10,
    badRate: 0,
    p50Ms: 12,
    p99Ms: 41,
    instances: [],
    ...over,
  };
}

export function aService(over: Partial<ServiceSummary> = {}): ServiceSummary {
  return {
    service: "payments",
    stable: "payments-7",
    candidate: null,
    weight: 0,
    health: "serving",
    healthReason: null,
    lanes: [],
    rollout: null,
    ...over,
  };
}
