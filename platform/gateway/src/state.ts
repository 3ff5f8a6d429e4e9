/** What the gateway tells control about itself: GET /state. */
import type { GatewayState, RevisionCounters, ServiceCounters, SplitsPage } from "./config.ts";
import type { Revision } from "./revision.ts";
import type { Service } from "./service.ts";
import type { Table } from "./table.ts";

export interface Boot {
  readonly bootId: string;
  readonly startedAtMs: number;
}

export function stateOf(table: Table, boot: Boot, nowMs: number): GatewayState {
  return {
    bootId: boot.bootId,
    epoch: table.epoch,
    startedAtMs: boot.startedAtMs,
    services: [...table.services.values()].map((service) => serviceState(service, nowMs)),
  };
}

/** For whoever delivers by ordering key: GET /splits. */
export function splitsOf(table: Table, { bootId }: Boot): SplitsPage {
  const services = [...table.services.values()].map(({ name, split, splitEpoch }) => {
    return { service: name, ...split, epoch: splitEpoch };
  });
  return { bootId, services };
}

function serviceState(service: Service, nowMs: number): ServiceCounters {
  const seconds = Math.floor(nowMs / 1_000);
  return {
    service: service.name,
    queued: service.waiting,
    people: { seen: service.seen.count(seconds), bad: service.bad.count(seconds) },
    revisions: [...service.revisions.values()].map(revisionState),
  };
}

function revisionState(revision: Revision): RevisionCounters {
  const { counters } = revision;
  return {
    revision: revision.id,
    requests: counters.requests,
    bad: counters.bad,
    status2xx: counters.status2xx,
    status4xx: counters.status4xx,
    status5xx: counters.status5xx,
    timeouts: counters.timeouts,
    lost: counters.lost,
    inFlight: revision.inFlight,
    latency: [...counters.latency],
    endpoints: revision.endpoints.map((endpoint) => ({
      instance: endpoint.config.instance,
      healthy: endpoint.healthy,
      inFlight: endpoint.inFlight,
    })),
  };
}
