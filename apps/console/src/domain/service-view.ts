/** Rearranges a service for its page. */
import type { Instance, LaneNumbers, ServiceSummary } from "@tideway/api-admin";
import type { Part } from "./needs-me.ts";

export interface LaneOfService {
  readonly role: "stable" | "candidate";
  readonly revision: string;
  readonly numbers: LaneNumbers | null;
  /** Percent of the requests of the last minute; null when there were none. */
  readonly share: number | null;
  readonly wanted: number | null;
}

/** Stable above, candidate below. Only requests that came count for a share. */
export function lanesOfService(service: ServiceSummary): LaneOfService[] {
  const total = service.lanes.reduce((sum, lane) => sum + lane.requests, 0);
  const laneOf = (
    role: LaneOfService["role"],
    revision: string | null,
    weight: number,
  ): LaneOfService[] => {
    if (revision === null) return [];
    const numbers = service.lanes.find((lane) => lane.revision === revision) ?? null;
    const requests = numbers?.requests ?? 0;
    const share = total === 0 ? null : (requests / total) * 100;
    const wanted = service.candidate === null ? null : weight;
    return [{ role, revision, numbers, share, wanted }];
  };
  return [
    ...laneOf("stable", service.stable, 100 - service.weight),
    ...laneOf("candidate", service.candidate, service.weight),
  ];
}

export interface InstanceRow extends Instance {
  readonly revision: string;
}

/** Every instance of every lane, in the lanes' order. */
export function instancesOf(service: ServiceSummary): InstanceRow[] {
  return service.lanes.flatMap((lane) =>
    lane.instances.map((instance) => ({ ...instance, revision: lane.revision })),
  );
}

/** What stands beside a part of the platform: its detail, which may come as a sentence, and pid. */
export function partWords({ detail, pid }: Pick<Part, "detail" | "pid">): string {
  const facts = [detail.replace(/\.$/, ""), pid === null ? "" : `pid ${pid}`];
  return facts.filter((fact) => fact !== "").join(", ");
}
