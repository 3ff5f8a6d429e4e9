/** Events and sagas, as operators see them: the bus's groups and keys, and every service's sagas. */
import { SagaStep, SagaSummary, Timestamp, strict } from "@tideway/schema";
import type { RouteApi } from "@tideway/schema";
import { Type } from "typebox";
import type { Static } from "typebox";
import { Nullable, ServiceName } from "./views.ts";

const common = { auth: "public", exposure: "internal" } as const;
const EventType = Type.String({ minLength: 3, maxLength: 200 });
const OrderingKey = Type.String({ minLength: 1, maxLength: 200 });
const Cursor = Type.String({ maxLength: 400 });
const Limit = Type.Integer({ minimum: 1, maximum: 200 });
const page = { after: Type.Optional(Cursor), limit: Type.Optional(Limit) };

/** A group is a consuming service. */
export const EventGroup = Type.Object({
  group: ServiceName,
  state: Type.Union([Type.Literal("running"), Type.Literal("suspended")]),
  /** Why it is suspended, and since when. */
  reason: Nullable(Type.String()),
  since: Nullable(Timestamp),
  /** Events of its types in the log that are not completed yet. */
  lag: Type.Integer(),
  /** Age of the oldest of them in milliseconds. */
  lagAgeMs: Type.Number(),
  keysQuarantined: Type.Integer(),
  inFlight: Type.Integer(),
  appliedTotal: Type.Integer(),
  failedTotal: Type.Integer(),
});
export type EventGroup = Static<typeof EventGroup>;

/** An ordering key whose events wait because one of them failed. */
export const EventKey = Type.Object({
  group: ServiceName,
  key: Type.String(),
  state: Type.Union([Type.Literal("retrying"), Type.Literal("quarantined")]),
  eventId: Type.String(),
  type: Type.String(),
  tries: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
  /** The revision whose answer was the last failure. */
  revision: Type.String(),
  /** Events of the key that wait behind it, itself included. */
  waiting: Type.Integer(),
  since: Timestamp,
  nextTryAt: Nullable(Timestamp),
});
export type EventKey = Static<typeof EventKey>;

/** An event in the log, without its payload. */
export const LoggedEvent = Type.Object({
  id: Type.String(),
  type: Type.String(),
  key: Type.String(),
  source: Type.String(),
  partition: Type.Integer(),
  offset: Type.Integer(),
  at: Timestamp,
  bytes: Type.Integer(),
});
export type LoggedEvent = Static<typeof LoggedEvent>;

export const ReplayFrom = Type.Union([
  Type.Literal("beginning"),
  strict({ time: Timestamp }),
  strict({ eventId: Type.String({ maxLength: 60 }) }),
]);
export type ReplayFrom = Static<typeof ReplayFrom>;

const byGroup = strict({ service: ServiceName });

export const eventOperations = {
  eventGroups: {
    ...common,
    method: "GET",
    path: "/events/groups",
    summary: "Every consuming service: what waits, what is quarantined, whether it is suspended.",
    reply: Type.Object({ groups: Type.Array(EventGroup) }),
  },
  eventKeys: {
    ...common,
    method: "GET",
    path: "/events/groups/:service/keys",
    summary: "Keys of a group that wait because one of their events failed.",
    params: byGroup,
    query: strict({
      state: Type.Optional(Type.Union([Type.Literal("retrying"), Type.Literal("quarantined")])),
      ...page,
    }),
    reply: Type.Object({ items: Type.Array(EventKey), next: Nullable(Type.String()) }),
  },
  redriveEvents: {
    ...common,
    method: "POST",
    path: "/events/groups/:service/redrive",
    summary: "Deliver quarantined keys again, in their order: one, or all of the group.",
    params: byGroup,
    body: strict({ key: Type.Optional(OrderingKey) }),
    /** How many keys go on. */
    reply: Type.Object({ keys: Type.Integer() }),
  },
  replayEvents: {
    ...common,
    method: "POST",
    path: "/events/groups/:service/replay",
    summary: "Deliver what is in the log once more, marked as a replay with a number of its own.",
    params: byGroup,
    body: strict({
      from: ReplayFrom,
      types: Type.Optional(Type.Array(EventType, { minItems: 1, maxItems: 50 })),
      reason: Type.Optional(Type.String({ maxLength: 500 })),
    }),
    reply: Type.Object({ replay: Type.Integer() }),
  },
  eventLog: {
    ...common,
    method: "GET",
    path: "/events/log",
    summary: "Events in the log, the newest first, without payloads.",
    query: strict({
      type: Type.Optional(EventType),
      key: Type.Optional(OrderingKey),
      ...page,
    }),
    reply: Type.Object({ items: Type.Array(LoggedEvent), next: Nullable(Type.String()) }),
  },
} as const satisfies Readonly<Record<string, RouteApi>>;

export const SagaId = Type.String({ pattern: "^sag_[0-9a-z]{26}$" });

export const ListedSaga = Type.Intersect([Type.Object({ service: ServiceName }), SagaSummary]);
export type ListedSaga = Static<typeof ListedSaga>;

export const SagaDetail = Type.Object({
  service: ServiceName,
  saga: SagaSummary,
  steps: Type.Array(SagaStep),
});
export type SagaDetail = Static<typeof SagaDetail>;

const bySaga = strict({ saga: SagaId });
const ofService = { service: Type.Optional(ServiceName) };

export const sagaOperations = {
  sagas: {
    ...common,
    method: "GET",
    path: "/sagas",
    summary: "Sagas of every service that runs some, or of one, the newest first.",
    query: strict({
      ...ofService,
      state: Type.Optional(SagaSummary.properties.state),
      attention: Type.Optional(Type.Boolean()),
      /** Only together with a service: each service has cursors of its own. */
      ...page,
    }),
    reply: Type.Object({
      items: Type.Array(ListedSaga),
      next: Nullable(Type.String()),
      /** Services that did not answer, so that their sagas are missing here. */
      unanswered: Type.Array(Type.Object({ service: ServiceName, code: Type.String() })),
    }),
  },
  saga: {
    ...common,
    method: "GET",
    path: "/sagas/:saga",
    summary: "One saga with its steps; its service is found by asking each.",
    params: bySaga,
    query: strict(ofService),
    reply: SagaDetail,
  },
  retrySaga: {
    ...common,
    method: "POST",
    path: "/sagas/:saga/retry",
    summary: "Try the saga's present step again at once.",
    params: bySaga,
    body: strict(ofService),
    reply: ListedSaga,
  },
  compensateSaga: {
    ...common,
    method: "POST",
    path: "/sagas/:saga/compensate",
    summary: "Give up a saga that has not passed its pivot: what was done is undone.",
    params: bySaga,
    body: strict({ ...ofService, reason: Type.String({ minLength: 1, maxLength: 500 }) }),
    reply: ListedSaga,
  },
} as const satisfies Readonly<Record<string, RouteApi>>;
