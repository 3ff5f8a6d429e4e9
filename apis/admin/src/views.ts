/** What control shows: services, lanes, revisions, rollouts. */
import { Timestamp } from "@tideway/schema";
import { Type } from "typebox";
import type { Static } from "typebox";

export const ServiceName = Type.String({ pattern: "^[a-z][a-z0-9-]{1,30}$" });
export const RevisionId = Type.String({ pattern: "^[a-z][a-z0-9-]{1,30}-[1-9][0-9]{0,8}$" });
export const RolloutId = Type.String({ pattern: "^rol_[0-9a-z]{26}$" });
export const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

export const Operator = Type.Object({ operator: Type.String(), name: Type.String() });

export const Instance = Type.Object({
  instance: Type.String(),
  status: Type.Union([
    Type.Literal("starting"),
    Type.Literal("ready"),
    Type.Literal("draining"),
    Type.Literal("failed"),
  ]),
  pid: Nullable(Type.Integer()),
  url: Type.String(),
  startedAt: Timestamp,
  restarts: Type.Integer(),
  memoryBytes: Nullable(Type.Number()),
});
export type Instance = Static<typeof Instance>;

/** A lane's numbers, as the gateway measured them over the last minute. Null: no request yet. */
export const LaneNumbers = Type.Object({
  revision: Type.String(),
  requests: Type.Integer(),
  requestsPerSecond: Type.Number(),
  badRate: Nullable(Type.Number()),
  p50Ms: Nullable(Type.Number()),
  p99Ms: Nullable(Type.Number()),
  instances: Type.Array(Instance),
});
export type LaneNumbers = Static<typeof LaneNumbers>;

export const RevisionSummary = Type.Object({
  revision: RevisionId,
  number: Type.Integer(),
  digest: Type.String(),
  createdAt: Timestamp,
  createdBy: Type.String(),
  /** What it is now: all traffic, some traffic, kept for rollback, or withdrawn. */
  role: Type.Union([
    Type.Literal("stable"),
    Type.Literal("candidate"),
    Type.Literal("kept"),
    Type.Literal("withdrawn"),
  ]),
});
export type RevisionSummary = Static<typeof RevisionSummary>;

/**
 * starting: the first instance is coming out and is probed, no traffic yet.
 * progressing: the candidate has its step's share and is being judged.
 * paused: an operator or the common-mode guard stopped the clock; the share stays.
 * inconclusive: the step's longest time is over without a verdict; the share stays.
 * promoted, aborted (by an operator), withdrawn (by the judge), failed (never got ready): final.
 */
export const RolloutStateName = Type.Union([
  Type.Literal("starting"),
  Type.Literal("progressing"),
  Type.Literal("paused"),
  Type.Literal("inconclusive"),
  Type.Literal("promoted"),
  Type.Literal("aborted"),
  Type.Literal("withdrawn"),
  Type.Literal("failed"),
]);
export type RolloutStateName = Static<typeof RolloutStateName>;

export const VerdictView = Type.Object({
  verdict: Type.Union([Type.Literal("pass"), Type.Literal("fail"), Type.Literal("inconclusive")]),
  /** A sentence with the reason and the numbers. */
  reason: Type.String(),
  evidence: Type.Object({
    peopleStable: Type.Integer(),
    peopleCandidate: Type.Integer(),
    badStable: Type.Integer(),
    badCandidate: Type.Integer(),
    /** The e-process for "the candidate is worse", and the value at which it decides. */
    worse: Type.Number(),
    worseLimit: Type.Number(),
    /** The better of the two e-tests for "good enough", and its limit. */
    good: Type.Number(),
    goodLimit: Type.Number(),
  }),
});
export type VerdictView = Static<typeof VerdictView>;

export const Decision = Type.Object({
  at: Timestamp,
  /** A sentence: "5 % -> 25 %: 1,204 people, no worse than stable (30 s over)." */
  text: Type.String(),
  by: Type.String(),
  kind: Type.String(),
});
export type Decision = Static<typeof Decision>;

export const BadRequestSample = Type.Object({
  at: Timestamp,
  lane: Type.Union([Type.Literal("stable"), Type.Literal("candidate")]),
  route: Type.String(),
  reason: Type.String(),
  status: Nullable(Type.Integer()),
  traceId: Nullable(Type.String()),
});

export const Rollout = Type.Object({
  rollout: RolloutId,
  service: ServiceName,
  from: Nullable(RevisionId),
  to: RevisionId,
  state: RolloutStateName,
  /** Index of the step under way, from 0; its weight is what the candidate is to get. */
  step: Type.Integer(),
  steps: Type.Array(Type.Object({ weight: Type.Number() })),
  weight: Type.Number(),
  /** The candidate's real share of people in percent at the present weight; null before the first. */
  actualShare: Nullable(Type.Number()),
  stepStartedAt: Nullable(Timestamp),
  /** When the judge looks at whether the step may pass. */
  nextLookAt: Nullable(Timestamp),
  verdict: Nullable(VerdictView),
  stable: Nullable(LaneNumbers),
  candidate: Nullable(LaneNumbers),
  decisions: Type.Array(Decision),
  /** Kept when the candidate was withdrawn or failed. */
  badRequests: Type.Array(BadRequestSample),
  /** The last log lines of a candidate that failed or was withdrawn. */
  failureLog: Type.Array(Type.String()),
  actions: Type.Array(
    Type.Union([
      Type.Literal("pause"),
      Type.Literal("resume"),
      Type.Literal("promote"),
      Type.Literal("abort"),
    ]),
  ),
  startedAt: Timestamp,
  finishedAt: Nullable(Timestamp),
  startedBy: Type.String(),
});
export type Rollout = Static<typeof Rollout>;

export const ServiceSummary = Type.Object({
  service: ServiceName,
  stable: Nullable(RevisionId),
  candidate: Nullable(RevisionId),
  weight: Type.Number(),
  /**
   * serving: instances ready; asleep: switched off until somebody asks for it; starting; failing:
   * should run and does not.
   */
  health: Type.Union([
    Type.Literal("serving"),
    Type.Literal("asleep"),
    Type.Literal("starting"),
    Type.Literal("failing"),
  ]),
  healthReason: Nullable(Type.String()),
  lanes: Type.Array(LaneNumbers),
  rollout: Nullable(RolloutId),
});
export type ServiceSummary = Static<typeof ServiceSummary>;

/** One second of one revision. */
export const MetricPoint = Type.Object({
  at: Type.Integer({ description: "Seconds since 1970." }),
  revision: Type.String(),
  requests: Type.Integer(),
  bad: Type.Integer(),
  p50Ms: Nullable(Type.Number()),
  p99Ms: Nullable(Type.Number()),
});
export type MetricPoint = Static<typeof MetricPoint>;

export const Part = Type.Object({
  part: Type.String(),
  state: Type.Union([Type.Literal("up"), Type.Literal("down"), Type.Literal("starting")]),
  pid: Nullable(Type.Integer()),
  detail: Type.String(),
});
