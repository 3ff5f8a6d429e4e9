/**
 * The one declaration of a service (`services/<name>/service.ts`). `tideway deploy` evaluates it
 * into the revision's manifest; the platform reads manifests and never imports a service.
 */
import { BODY_BYTES_MAX_DEFAULT, DEADLINE_MS_DEFAULT } from "./api.ts";
import type { Api } from "./api.ts";
import type { RouteApi } from "./api.ts";
import type {
  Consumption,
  Grant,
  Guard,
  Manifest,
  ManifestRoute,
  RolloutPolicy,
  SagaVersion,
  Scaling,
} from "./manifest.ts";
import { platformRoutesOf } from "./platform-routes.ts";

export interface ServiceDeclaration {
  readonly name: string;
  readonly api: Api;
  readonly database: boolean;
  readonly calls?: readonly string[];
  /** Types of events; an object where their order does not matter, or where they may linger. */
  readonly consumes?: readonly (string | (Partial<Consumption> & Pick<Consumption, "type">))[];
  /** Every saga definition this revision carries: the one it begins new ones by and the one before. */
  readonly sagas?: readonly SagaVersion[];
  readonly cron?: Readonly<Record<string, string>>;
  readonly routing?: "any" | "leader";
  /** What it may do in the ledger; everything else is refused. */
  readonly grants?: readonly Grant[];
  /** True for the service that checks its callers' grants (the ledger). */
  readonly enforcesGrants?: boolean;
  readonly guards?: readonly Guard[];
  readonly scaling?: Partial<Scaling>;
  readonly rollout?: Partial<RolloutPolicy>;
  /** Connections to its database, over all instances of one revision. */
  readonly connectionsMax?: number;
  /** Variables handed to instances when the operator has set them, `TIDEWAY_*` only. */
  readonly configuration?: readonly string[];
}

export const SCALING_DEFAULT: Scaling = {
  instancesMin: 1,
  instancesMax: 8,
  concurrencyTarget: 50,
  idleSeconds: 60,
};

export const ROLLOUT_DEFAULT: RolloutPolicy = {
  steps: [{ weight: 5 }, { weight: 25 }, { weight: 50 }],
  stepSecondsMin: 30,
  stepSecondsMax: 600,
  badRateMax: 0.03,
  onInconclusive: "hold",
};

/** Parts of the platform that call services under their own name. */
export const PLATFORM_CALLERS = ["bus", "control"] as const;
export type PlatformCaller = (typeof PLATFORM_CALLERS)[number];
const RESERVED: readonly string[] = [...PLATFORM_CALLERS, "gateway", "supervisor", "tideway"];

/** Declares a service; wrong names are refused here rather than at release. */
export function defineService<const T extends ServiceDeclaration>(declaration: T): T {
  if (!/^[a-z][a-z0-9-]{1,30}$/.test(declaration.name)) {
    throw new Error(`${declaration.name} is not a service name: lower case, digits and dashes.`);
  }
  if (RESERVED.includes(declaration.name)) {
    throw new Error(`${declaration.name} is a part of the platform; name the service otherwise.`);
  }
  if (declaration.api.name !== declaration.name) {
    throw new Error(`${declaration.name} declares the api of ${declaration.api.name}.`);
  }
  return declaration;
}

/** What the platform may know of a declaration: data only, no schemas and no code. */
export function toManifest(declaration: ServiceDeclaration): Manifest {
  return {
    manifestVersion: 1,
    service: declaration.name,
    apiVersion: declaration.api.version,
    database: declaration.database,
    connectionsMax: declaration.connectionsMax ?? 20,
    calls: [...(declaration.calls ?? [])],
    consumes: (declaration.consumes ?? []).map((one) =>
      typeof one === "string" ? { type: one, order: "key" } : { order: "key", ...one },
    ),
    emits: Object.values(declaration.api.events ?? {}).map(({ type, shedding }) => {
      return { type, shedding: shedding ?? "normal" };
    }),
    cron: { ...declaration.cron },
    sagas: [...(declaration.sagas ?? [])],
    routing: declaration.routing ?? "any",
    grants: [...(declaration.grants ?? [])],
    enforcesGrants: declaration.enforcesGrants ?? false,
    guards: [...(declaration.guards ?? [])],
    scaling: { ...SCALING_DEFAULT, ...declaration.scaling },
    rollout: { ...ROLLOUT_DEFAULT, ...declaration.rollout },
    configuration: [...(declaration.configuration ?? [])],
    routes: Object.entries({ ...declaration.api.routes, ...platformRoutesOf(declaration) }).map(
      ([name, route]) => toManifestRoute(name, route),
    ),
  };
}

function toManifestRoute(name: string, route: RouteApi): ManifestRoute {
  return {
    name,
    method: route.method,
    path: route.path,
    auth: route.auth,
    exposure: route.exposure,
    idempotent: route.idempotent ?? false,
    deadlineMs: route.deadlineMs ?? DEADLINE_MS_DEFAULT,
    bodyBytesMax: route.bodyBytesMax ?? BODY_BYTES_MAX_DEFAULT,
  };
}
