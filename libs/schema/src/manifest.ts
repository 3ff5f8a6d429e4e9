/** What the platform knows of a revision. Written by `tideway deploy`, read by control and gateway. */
import { Type } from "typebox";
import type { Static } from "typebox";

const name = Type.String({ pattern: "^[a-z][a-z0-9-]{1,30}$" });
const count = (minimum: number, maximum: number) => Type.Integer({ minimum, maximum });

export const Grant = Type.Object(
  {
    operation: Type.Union([
      Type.Literal("open"),
      Type.Literal("read"),
      Type.Literal("transfer"),
      Type.Literal("hold"),
    ]),
    /** For `open` and `read`: the account code. */
    account: Type.Optional(count(100, 999)),
    debit: Type.Optional(count(100, 999)),
    credit: Type.Optional(count(100, 999)),
    /** The transfer's code, for `transfer` and `hold`. */
    code: Type.Optional(Type.String({ pattern: "^[a-z][a-z0-9-]{1,30}$" })),
  },
  { additionalProperties: false },
);
export type Grant = Static<typeof Grant>;

export const Guard = Type.Object(
  {
    name: Type.String(),
    route: Type.String(),
    kind: Type.Union([Type.Literal("exact"), Type.Literal("rate"), Type.Literal("external")]),
  },
  { additionalProperties: false },
);
export type Guard = Static<typeof Guard>;

export const Scaling = Type.Object({
  instancesMin: count(0, 64),
  instancesMax: count(1, 64),
  concurrencyTarget: count(1, 10_000),
  idleSeconds: count(1, 86_400),
});
export type Scaling = Static<typeof Scaling>;

export const RolloutPolicy = Type.Object({
  /** Weights in percent, rising, each below 100; after the last comes 100. */
  steps: Type.Array(Type.Object({ weight: Type.Number({ minimum: 0.1, maximum: 99.9 }) }), {
    minItems: 1,
    maxItems: 20,
  }),
  stepSecondsMin: count(0, 86_400),
  stepSecondsMax: count(1, 86_400),
  /** The share of people whom a revision may fail and still pass. */
  badRateMax: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }),
  onInconclusive: Type.Union([
    Type.Literal("hold"),
    Type.Literal("abort"),
    Type.Literal("promote"),
  ]),
});
export type RolloutPolicy = Static<typeof RolloutPolicy>;

export const ManifestRoute = Type.Object({
  name: Type.String(),
  method: Type.String(),
  path: Type.String(),
  auth: Type.Union([
    Type.Literal("public"),
    Type.Literal("person"),
    Type.Literal("service"),
    Type.Literal("platform"),
  ]),
  exposure: Type.Union([Type.Literal("public"), Type.Literal("internal")]),
  idempotent: Type.Boolean(),
  deadlineMs: count(1, 600_000),
  bodyBytesMax: count(0, 64 * 1_048_576),
});
export type ManifestRoute = Static<typeof ManifestRoute>;

const LINGER_MS_MAX = 60_000;

export const Consumption = Type.Object({
  type: Type.String({ maxLength: 200 }),
  /** `key`: events of one key in their order. `none`: any order, and no key ever waits. */
  order: Type.Union([Type.Literal("key"), Type.Literal("none")]),
  /**
   * Milliseconds that an event may wait for others, so that more go in one delivery. For consumers
   * that nobody waits for: a tenth of the deliveries is about a tenth of their cost. 0 when left out.
   */
  lingerMs: Type.Optional(count(0, LINGER_MS_MAX)),
});
export type Consumption = Static<typeof Consumption>;

export const Emission = Type.Object({
  type: Type.String({ maxLength: 200 }),
  shedding: Type.Union([Type.Literal("critical"), Type.Literal("normal"), Type.Literal("bulk")]),
});
export type Emission = Static<typeof Emission>;

/** A saga's definition that a revision carries, and whether it begins new ones by it. */
export const SagaVersion = Type.Object({
  name: Type.String({ pattern: "^[a-z][a-z0-9-]{1,40}$" }),
  version: count(1, 10_000),
});
export type SagaVersion = Static<typeof SagaVersion>;

export const Manifest = Type.Object({
  manifestVersion: Type.Literal(1),
  service: name,
  apiVersion: Type.String(),
  database: Type.Boolean(),
  connectionsMax: count(1, 200),
  calls: Type.Array(name, { maxItems: 50 }),
  consumes: Type.Array(Consumption, { maxItems: 200 }),
  emits: Type.Array(Emission, { maxItems: 200 }),
  /** Job -> five-field cron expression, in UTC. The bus takes none that is longer. */
  cron: Type.Record(
    Type.String({ pattern: "^[a-zA-Z][a-zA-Z0-9]{0,40}$" }),
    Type.String({ maxLength: 200 }),
  ),
  /** Every definition that this revision can carry on with. */
  sagas: Type.Array(SagaVersion, { maxItems: 100 }),
  routing: Type.Union([Type.Literal("any"), Type.Literal("leader")]),
  grants: Type.Array(Grant, { maxItems: 200 }),
  /** True for the service that checks callers' grants: the gateway then asserts them to it. */
  enforcesGrants: Type.Boolean(),
  guards: Type.Array(Guard, { maxItems: 50 }),
  scaling: Scaling,
  rollout: RolloutPolicy,
  configuration: Type.Array(Type.String({ pattern: "^TIDEWAY_[A-Z0-9_]+$" }), { maxItems: 50 }),
  routes: Type.Array(ManifestRoute, { maxItems: 500 }),
});
export type Manifest = Static<typeof Manifest>;
