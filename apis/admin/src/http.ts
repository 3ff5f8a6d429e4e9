/** Control's own api: what the console and the command line use, on the operators' port. */
import { Timestamp, defineApi, strict } from "@tideway/schema";
import { Type } from "typebox";
import { compatibilityOperations } from "./compatibility.ts";
import { adminErrors } from "./errors.ts";
import { eventOperations, sagaOperations } from "./events.ts";
import {
  MetricPoint,
  Nullable,
  Operator,
  Part,
  RevisionId,
  RevisionSummary,
  Rollout,
  RolloutId,
  RolloutStateName,
  ServiceName,
  ServiceSummary,
} from "./views.ts";

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
      body: strict({
        revision: RevisionId,
        /** Lets findings of the compatibility gate pass; the reason goes to the audit log. */
        acceptBreaking: Type.Optional(Type.String({ minLength: 3, maxLength: 500 })),
      }),
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
    ...compatibilityOperations,
    ...eventOperations,
    ...sagaOperations,
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
