/** Builders for tests: a whole object with what the test is about on top. */
import type {
  EventGroup,
  EventKey,
  LaneNumbers,
  ListedSaga,
  Rollout,
  ServiceSummary,
} from "@tideway/api-admin";
import type { SagaStep } from "@tideway/schema";

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

export function aSaga(over: Partial<ListedSaga> = {}): ListedSaga {
  return {
    service: "north",
    saga: "sag_01kb0000000000000000000000",
    name: "ring",
    version: 1,
    state: "running",
    step: "move",
    attempts: 0,
    needsAttention: false,
    problem: null,
    startedAt: at(-40_000),
    updatedAt: at(-1_000),
    dueAt: null,
    traceId: null,
    ...over,
  };
}

/** hold (reserve), move (pivot), confirm: none of them begun. */
export function someSteps(
  over: Partial<Record<"hold" | "move" | "confirm", Partial<SagaStep>>> = {},
): SagaStep[] {
  const undo = { service: "east", method: "POST", path: "/steps/undo" };
  return [
    aStep({ step: "hold", kind: "reserve", undo, ...over.hold }),
    aStep({ step: "move", kind: "pivot", ...over.move }),
    aStep({ step: "confirm", kind: "confirm", ...over.confirm }),
  ];
}

export function aStep(over: Partial<SagaStep> = {}): SagaStep {
  return {
    step: "hold",
    kind: "call",
    state: "pending",
    attempts: 0,
    startedAt: null,
    finishedAt: null,
    undo: null,
    problem: null,
    ...over,
  };
}

export function aGroup(over: Partial<EventGroup> = {}): EventGroup {
  return {
    group: "payments",
    state: "running",
    reason: null,
    since: null,
    lag: 0,
    lagAgeMs: 0,
    keysQuarantined: 0,
    inFlight: 0,
    appliedTotal: 1_204,
    failedTotal: 0,
    ...over,
  };
}

export function aKey(over: Partial<EventKey> = {}): EventKey {
  return {
    group: "payments",
    key: "acc_01kb0000000000000000000000",
    state: "quarantined",
    eventId: "evt_01kb0000000000000000000000",
    type: "ledger.transfer.posted.v1",
    tries: 8,
    code: "INTERNAL",
    detail: "",
    revision: "payments-7",
    waiting: 1,
    since: at(-600_000),
    nextTryAt: null,
    ...over,
  };
}
