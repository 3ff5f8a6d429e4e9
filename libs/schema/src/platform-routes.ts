/**
 * Routes that every service has beside its api when it consumes events, has jobs or runs sagas. Only
 * the platform may call them (auth "platform"): the bus delivers and wakes, control inspects.
 *
 * A delivery is a CloudEvents batch (application/cloudevents-batch+json) of one partition, pinned to
 * one revision. The answer names what became of each event; it is 200 also when some failed. Any
 * other answer means that nothing is known of any of them and counts as no try.
 */
import { Type } from "typebox";
import type { Static } from "typebox";
import type { RouteApi } from "./api.ts";
import type { ServiceDeclaration } from "./declaration.ts";
import { strict } from "./common.ts";

/** Request header of a delivery: `<revision>@<epoch of the split>`. */
export const PIN_HEADER = "tideway-pin";
/**
 * Request header of a delivery: one entry an event, separated by commas, 16 hex digits of the
 * SHA-256 of its ordering key. The gateway takes each for a person (`key <digits>`) when it splits
 * and when it judges.
 */
export const KEYS_HEADER = "tideway-keys";
/** Reply header of a delivery: the indexes of the events that failed, separated by commas. */
export const FAILED_HEADER = "tideway-failed";

/** Events of one delivery, and the bytes of one event's data as JSON. */
export const DELIVERY_EVENTS_MAX = 200;
export const EVENT_DATA_BYTES_MAX = 262_144;
export const DELIVERY_BYTES_MAX = 8 * 1_048_576;
export const DELIVERY_DEADLINE_MS = 30_000;

export const EventResult = Type.Object({
  id: Type.String(),
  outcome: Type.Union([
    Type.Literal("applied"),
    /** The inbox knew it: its effect is there already. */
    Type.Literal("duplicate"),
    Type.Literal("failed"),
    /** Not tried, because an event of the same key before it failed. */
    Type.Literal("skipped"),
  ]),
  /** Of a failed one: the error's code and what happened, without payload. */
  code: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String()),
});
export type EventResult = Static<typeof EventResult>;

export const deliverEvents = {
  method: "POST",
  path: "/tideway/events",
  auth: "platform",
  exposure: "internal",
  summary: "Applies a batch of events.",
  deadlineMs: DELIVERY_DEADLINE_MS,
  bodyBytesMax: DELIVERY_BYTES_MAX,
  body: Type.Array(Type.Unknown(), { minItems: 1, maxItems: DELIVERY_EVENTS_MAX }),
  reply: Type.Object({ results: Type.Array(EventResult) }),
} as const satisfies RouteApi;

export const runJob = {
  method: "POST",
  path: "/tideway/jobs/:job",
  auth: "platform",
  exposure: "internal",
  summary: "Runs a job for one tick; the same tick runs once, whoever asks how often.",
  deadlineMs: 600_000,
  params: Type.Object({ job: Type.String({ maxLength: 41 }) }),
  body: strict({ tick: Type.String({ format: "date-time" }) }),
  reply: Type.Object({
    outcome: Type.Union([Type.Literal("ran"), Type.Literal("ran-before")]),
  }),
} as const satisfies RouteApi;

/** A request to a service that has due work: it makes the gateway want an instance. */
export const wakeUp = {
  method: "POST",
  path: "/tideway/wake",
  auth: "platform",
  exposure: "internal",
  summary: "Looks for due work at once.",
  reply: Type.Object({ due: Type.Integer({ minimum: 0 }) }),
} as const satisfies RouteApi;

const SagaState = Type.Union([
  Type.Literal("running"),
  Type.Literal("waiting"),
  Type.Literal("compensating"),
  Type.Literal("completed"),
  Type.Literal("compensated"),
]);

export const SagaSummary = Type.Object({
  saga: Type.String(),
  name: Type.String(),
  version: Type.Integer(),
  state: SagaState,
  /** The step it is at. */
  step: Type.String(),
  /** Tries of the present step. */
  attempts: Type.Integer(),
  /** True once an operator should look: too many tries. */
  needsAttention: Type.Boolean(),
  /** The last failure's code and text, null when there is none. */
  problem: Type.Union([Type.String(), Type.Null()]),
  startedAt: Type.String({ format: "date-time" }),
  updatedAt: Type.String({ format: "date-time" }),
  /** When it goes on by itself; null when it is over or waits for a signal. */
  dueAt: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
  traceId: Type.Union([Type.String(), Type.Null()]),
});
export type SagaSummary = Static<typeof SagaSummary>;

export const SagaStep = Type.Object({
  step: Type.String(),
  kind: Type.Union([
    Type.Literal("tx"),
    Type.Literal("call"),
    Type.Literal("reserve"),
    Type.Literal("confirm"),
    Type.Literal("pivot"),
    Type.Literal("timer"),
    Type.Literal("signal"),
  ]),
  state: Type.Union([
    Type.Literal("pending"),
    Type.Literal("running"),
    Type.Literal("done"),
    Type.Literal("failed"),
    Type.Literal("undone"),
    Type.Literal("no-undo"),
  ]),
  attempts: Type.Integer(),
  startedAt: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
  finishedAt: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
  /** The request that undoes it, as kept. */
  undo: Type.Union([
    Type.Object({ service: Type.String(), method: Type.String(), path: Type.String() }),
    Type.Null(),
  ]),
  problem: Type.Union([Type.String(), Type.Null()]),
});
export type SagaStep = Static<typeof SagaStep>;

const sagaParams = Type.Object({ saga: Type.String({ maxLength: 60 }) });

export const listSagas = {
  method: "GET",
  path: "/tideway/sagas",
  auth: "platform",
  exposure: "internal",
  summary: "Sagas, the newest first.",
  query: Type.Object({
    state: Type.Optional(SagaState),
    attention: Type.Optional(Type.Boolean()),
    after: Type.Optional(Type.String({ maxLength: 200 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  }),
  reply: Type.Object({
    items: Type.Array(SagaSummary),
    next: Type.Union([Type.String(), Type.Null()]),
  }),
} as const satisfies RouteApi;

export const inspectSaga = {
  method: "GET",
  path: "/tideway/sagas/:saga",
  auth: "platform",
  exposure: "internal",
  summary: "One saga with its steps.",
  params: sagaParams,
  reply: Type.Object({ saga: SagaSummary, steps: Type.Array(SagaStep) }),
} as const satisfies RouteApi;

export const retrySaga = {
  method: "POST",
  path: "/tideway/sagas/:saga/retry",
  auth: "platform",
  exposure: "internal",
  summary: "Tries the present step again at once.",
  params: sagaParams,
  body: strict({ by: Type.String({ maxLength: 200 }) }),
  reply: SagaSummary,
} as const satisfies RouteApi;

export const compensateSaga = {
  method: "POST",
  path: "/tideway/sagas/:saga/compensate",
  auth: "platform",
  exposure: "internal",
  summary: "Gives up a saga that has not passed its pivot: what was done is undone.",
  params: sagaParams,
  body: strict({ by: Type.String({ maxLength: 200 }), reason: Type.String({ maxLength: 500 }) }),
  reply: SagaSummary,
} as const satisfies RouteApi;

export const eventRoutes = { deliverEvents } as const;
export const jobRoutes = { runJob } as const;
export const wakeRoutes = { wakeUp } as const;
export const sagaRoutes = { listSagas, inspectSaga, retrySaga, compensateSaga } as const;

/** The platform's routes that a service of this declaration answers. */
export function platformRoutesOf(
  declaration: Pick<ServiceDeclaration, "consumes" | "cron" | "sagas" | "database">,
): Readonly<Record<string, RouteApi>> {
  const consumes = (declaration.consumes ?? []).length > 0;
  const hasJobs = Object.keys(declaration.cron ?? {}).length > 0;
  const runsSagas = (declaration.sagas ?? []).length > 0;
  return {
    ...(consumes ? eventRoutes : {}),
    ...(hasJobs ? jobRoutes : {}),
    ...(runsSagas ? sagaRoutes : {}),
    ...(declaration.database ? wakeRoutes : {}),
  };
}
