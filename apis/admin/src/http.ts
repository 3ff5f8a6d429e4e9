/** Control's own api: what the console and the command line use, on the operators' port. */
import { Timestamp, defineApi, strict } from "@tideway/schema";
import { Type } from "typebox";
import type { Static } from "typebox";
import { adminErrors } from "./errors.ts";

const ServiceName = Type.String({ pattern: "^[a-z][a-z0-9-]{1,30}$" });
const RevisionId = Type.String({ pattern: "^[a-z][a-z0-9-]{1,30}-[1-9][0-9]{0,8}$" });
const RolloutId = Type.String({ pattern: "^rol_[0-9a-z]{26}$" });
const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
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
  /** serving: instances ready; starting; failing: should run and does not. */
  health: Type.Union([Type.Literal("serving"), Type.Literal("starting"), Type.Literal("failing")]),
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

const common = { auth: "public", exposure: "internal" } as const;
const byService = strict({ service: ServiceName });
const byRollout = strict({ rolloutId: RolloutId });
const reasonBody = strict({ reason: Type.Optional(Type.String({ maxLength: 500 })) });

export const adminApi = defineApi({
  name: "admin",
  version: "1.0.0",
  errors: adminErrors,
  routes: {
    signIn: {
      ...common,
      method: "POST",
      path: "/sessions",
      summary: "Sign an operator in; sets an HttpOnly cookie.",
      body: strict({
        name: Type.String({ minLength: 1, maxLength: 80 }),
        password: Type.String({ minLength: 1, maxLength: 200 }),
      }),
      reply: Operator,
    },
    signOut: {
      ...common,
      method: "POST",
      path: "/sessions/end",
      summary: "End the operator's session.",
      body: strict({}),
      reply: Type.Object({}),
    },
    me: { ...common, method: "GET", path: "/me", summary: "Who is signed in.", reply: Operator },
    addOperator: {
      ...common,
      method: "POST",
      path: "/operators",
      summary: "Add an operator; for the local operator's token only.",
      body: strict({
        name: Type.String({ pattern: "^[a-z][a-z0-9._-]{1,39}$" }),
        password: Type.String({ minLength: 1, maxLength: 200 }),
      }),
      reply: Operator,
      replyStatus: 201,
    },
    status: {
      ...common,
      method: "GET",
      path: "/status",
      summary: "The platform's own parts and every service.",
      reply: Type.Object({
        parts: Type.Array(Part),
        services: Type.Array(ServiceSummary),
        checkedAt: Timestamp,
      }),
    },
    services: {
      ...common,
      method: "GET",
      path: "/services",
      summary: "Every service with its lanes and instances.",
      reply: Type.Object({ services: Type.Array(ServiceSummary) }),
    },
    service: {
      ...common,
      method: "GET",
      path: "/services/:service",
      summary: "One service with its revisions and past rollouts.",
      params: byService,
      reply: Type.Object({
        service: ServiceSummary,
        revisions: Type.Array(RevisionSummary),
        rollouts: Type.Array(
          Type.Object({
            rollout: RolloutId,
            from: Nullable(RevisionId),
            to: RevisionId,
            state: RolloutStateName,
            startedAt: Timestamp,
            finishedAt: Nullable(Timestamp),
            outcome: Nullable(Type.String()),
          }),
        ),
      }),
    },
    metrics: {
      ...common,
      method: "GET",
      path: "/services/:service/metrics",
      summary: "Per second and revision, the last fifteen minutes at most.",
      params: byService,
      query: strict({ seconds: Type.Optional(Type.Integer({ minimum: 10, maximum: 900 })) }),
      reply: Type.Object({ points: Type.Array(MetricPoint) }),
    },
    logs: {
      ...common,
      method: "GET",
      path: "/services/:service/logs",
      summary: "The last lines of the service's instances; `after` continues where `next` ended.",
      params: byService,
      query: strict({
        lines: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_000 })),
        revision: Type.Optional(RevisionId),
        after: Type.Optional(Type.String({ maxLength: 4_000 })),
      }),
      reply: Type.Object({
        lines: Type.Array(
          Type.Object({ revision: Type.String(), instance: Type.String(), text: Type.String() }),
        ),
        next: Type.String(),
      }),
    },
    putRevision: {
      ...common,
      method: "POST",
      path: "/revisions",
      summary: "Upload a built revision; the same files again answer the same revision.",
      bodyBytesMax: 48 * 1_048_576,
      body: strict({
        service: ServiceName,
        manifest: Type.Unknown(),
        /** Path below the revision's folder -> base64. */
        files: Type.Record(Type.String({ maxLength: 200 }), Type.String()),
      }),
      reply: Type.Object({ revision: RevisionId, digest: Type.String(), isNew: Type.Boolean() }),
    },
    startRollout: {
      ...common,
      method: "POST",
      path: "/rollouts",
      summary: "Release a revision; the first of a service takes all traffic once it is ready.",
      body: strict({ revision: RevisionId }),
      reply: Rollout,
      replyStatus: 201,
    },
    rollout: {
      ...common,
      method: "GET",
      path: "/rollouts/:rolloutId",
      summary: "A rollout with both lanes, its verdict and its decisions.",
      params: byRollout,
      reply: Rollout,
    },
    latestRollout: {
      ...common,
      method: "GET",
      path: "/services/:service/rollout",
      summary: "The service's rollout under way, else its last one.",
      params: byService,
      reply: Rollout,
    },
    pause: {
      ...common,
      method: "POST",
      path: "/rollouts/:rolloutId/pause",
      summary: "Stand still; the candidate keeps its share and is still judged for failure.",
      params: byRollout,
      body: reasonBody,
      reply: Rollout,
    },
    resume: {
      ...common,
      method: "POST",
      path: "/rollouts/:rolloutId/resume",
      summary: "Go on with the same step.",
      params: byRollout,
      body: reasonBody,
      reply: Rollout,
    },
    promote: {
      ...common,
      method: "POST",
      path: "/rollouts/:rolloutId/promote",
      summary: "Go to the next step now, or with `full` to 100 %.",
      params: byRollout,
      body: strict({
        reason: Type.Optional(Type.String({ maxLength: 500 })),
        full: Type.Optional(Type.Boolean()),
      }),
      reply: Rollout,
    },
    abort: {
      ...common,
      method: "POST",
      path: "/rollouts/:rolloutId/abort",
      summary: "Withdraw the candidate; all traffic returns to the stable revision.",
      params: byRollout,
      body: reasonBody,
      reply: Rollout,
    },
    rollback: {
      ...common,
      method: "POST",
      path: "/services/:service/rollback",
      summary: "Return to a kept revision at once, or to the one before.",
      params: byService,
      body: strict({
        revision: Type.Optional(RevisionId),
        reason: Type.Optional(Type.String({ maxLength: 500 })),
      }),
      reply: Rollout,
    },
    audit: {
      ...common,
      method: "GET",
      path: "/audit",
      summary: "What operators did, newest first.",
      query: strict({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })) }),
      reply: Type.Object({
        entries: Type.Array(
          Type.Object({
            at: Timestamp,
            operator: Type.String(),
            action: Type.String(),
            subject: Type.String(),
            detail: Type.String(),
          }),
        ),
      }),
    },
  },
});

/**
 * `GET /api/admin/stream` (server-sent events, not part of the typed routes): event `changed` with
 * `{ "services": [...], "at": "..." }` whenever something in `services` or a rollout changed, at
 * most four a second, and a comment line each 10 s. Readers fetch what they show again.
 */
export const ADMIN_STREAM_PATH = "/api/admin/stream";
/** All typed routes stand below this path on the operators' port. */
export const ADMIN_BASE_PATH = "/api/admin";
