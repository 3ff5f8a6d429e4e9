/** The gateway's configuration, from what should be and what runs. Pure. */
import type { InstanceState, RevisionState } from "@tideway/engine";
import type { AppConfig, Endpoint, GatewayConfig, ServiceConfig } from "@tideway/gateway";
import type { PlatformCallerConfig } from "@tideway/gateway";
import type { RevisionRow } from "./store/revisions.ts";

/** One service as it should be served now. */
export interface ServiceWanted {
  readonly service: string;
  readonly stable: string;
  readonly candidate: string | null;
  readonly weight: number;
  readonly rollout: string | null;
}

export interface GatewayInput {
  readonly wanted: readonly ServiceWanted[];
  readonly revisions: ReadonlyMap<string, RevisionRow>;
  readonly running: ReadonlyMap<string, RevisionState>;
  /** Revisions that get no request any more, until somebody asks for them. */
  readonly asleep: ReadonlySet<string>;
  readonly apps: readonly AppConfig[];
  readonly tokenIssuer: string;
  readonly platformCallers: readonly PlatformCallerConfig[];
}

/** Everything but the epoch, which only a change earns. */
export function buildGatewayConfig(input: GatewayInput): Omit<GatewayConfig, "epoch"> {
  return {
    services: input.wanted.map((service) => serviceConfig(service, input)),
    apps: input.apps,
    platformCallers: input.platformCallers,
    tokens: { service: "identity", path: "/keys", issuer: input.tokenIssuer },
  };
}

function serviceConfig(wanted: ServiceWanted, input: GatewayInput): ServiceConfig {
  const { stable, candidate, weight, rollout } = wanted;
  const ids = candidate === null ? [stable] : [stable, candidate];
  const rows = ids.flatMap((id) => input.revisions.get(id) ?? []);
  return {
    name: wanted.service,
    enforcesGrants: rows.some((row) => row.manifest.enforcesGrants),
    split: { stable, candidate, weight: candidate === null ? 0 : weight, rollout },
    revisions: rows.map((row) => ({
      id: row.revision,
      routes: row.manifest.routes,
      calls: row.manifest.calls,
      grants: row.manifest.grants,
      endpoints: input.asleep.has(row.revision) ? [] : endpointsOf(input.running.get(row.revision)),
    })),
  };
}

function endpointsOf(state: RevisionState | undefined): Endpoint[] {
  const ready = (state?.instances ?? []).filter(isServing);
  return ready.map(({ instance, url, authHash, assertionKey }) => {
    return { instance, url, authHash, assertionKey };
  });
}

function isServing(instance: InstanceState): boolean {
  return instance.status === "ready";
}
