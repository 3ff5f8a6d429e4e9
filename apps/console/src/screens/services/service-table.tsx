import { Link } from "@tanstack/react-router";
import type { LaneNumbers, ServiceSummary } from "@tideway/api-admin";
import { EmptyNote } from "@tideway/ui";
import { Fragment } from "react";
import { latency, perSecond, ratePercent, weightPercent } from "../../domain/format.ts";
import { HealthChip } from "../../parts/health-chip.tsx";

export interface ServiceTableProps {
  readonly services: readonly ServiceSummary[];
  readonly all: number;
  readonly filter: string;
}

/** A row a lane: a candidate stands below its stable revision. */
export function ServiceTable({ services, all, filter }: ServiceTableProps) {
  if (all === 0) {
    return (
      <div className="tw-card">
        <EmptyNote title="No service runs yet">
          Release the first with npx tideway deploy SERVICE; it appears here while it comes out.
        </EmptyNote>
      </div>
    );
  }
  if (services.length === 0) {
    return (
      <div className="tw-card">
        <EmptyNote title={`None of ${all} services contains \u201c${filter}\u201d`}>
          <Link to="/services">Show all</Link>
        </EmptyNote>
      </div>
    );
  }
  return (
    <div className="tw-card table-box">
      <table className="facts services-table">
        <caption className="tw-hidden">Services with the numbers of the last minute</caption>
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">Health</th>
            <th scope="col">Revision</th>
            <th scope="col" className="number">
              Instances
            </th>
            <th scope="col" className="number">
              Requests/s
            </th>
            <th scope="col" className="number">
              Bad
            </th>
            <th scope="col" className="number">
              p50
            </th>
            <th scope="col" className="number">
              p99
            </th>
          </tr>
        </thead>
        <tbody>
          {services.map((service) => (
            <ServiceRows key={service.service} service={service} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ServiceRows({ service }: { readonly service: ServiceSummary }) {
  const lanes = laneRows(service);
  return (
    <Fragment>
      {lanes.map(({ lane, role }, index) => (
        <tr key={lane.revision} data-role={role}>
          {index === 0 ? (
            <th scope="rowgroup" rowSpan={lanes.length} className="service-name">
              <Link to="/services/$service" params={{ service: service.service }}>
                {service.service}
              </Link>
              {service.rollout === null || service.candidate === null ? null : (
                <Link
                  className="small"
                  to="/rollouts/$rolloutId"
                  params={{ rolloutId: service.rollout }}
                >
                  release under way
                </Link>
              )}
            </th>
          ) : null}
          {index === 0 ? (
            <td rowSpan={lanes.length} className="service-health">
              <HealthChip service={service} />
            </td>
          ) : null}
          <td className="lane-revision" data-role={role}>
            {lane.revision}
            {role === "candidate" ? (
              <span className="tw-muted small"> candidate, {weightPercent(service.weight)}</span>
            ) : null}
          </td>
          <LaneCells lane={lane} />
        </tr>
      ))}
    </Fragment>
  );
}

/** The lanes in order; a service without any still gets a row. */
function laneRows(
  service: ServiceSummary,
): { readonly lane: LaneNumbers; readonly role: "stable" | "candidate" | "other" }[] {
  const roleOf = (revision: string) => {
    if (revision === service.candidate) return "candidate" as const;
    return revision === service.stable ? ("stable" as const) : ("other" as const);
  };
  const rows = service.lanes.map((lane) => ({ lane, role: roleOf(lane.revision) }));
  if (rows.length > 0) return rows.sort((a, b) => order(a.role) - order(b.role));
  const lane: LaneNumbers = {
    revision: service.stable ?? service.candidate ?? "none yet",
    requests: 0,
    requestsPerSecond: 0,
    badRate: null,
    p50Ms: null,
    p99Ms: null,
    instances: [],
  };
  return [{ lane, role: "other" }];
}

function order(role: "stable" | "candidate" | "other"): number {
  return ["stable", "candidate", "other"].indexOf(role);
}

function LaneCells({ lane }: { readonly lane: LaneNumbers }) {
  const ready = lane.instances.filter(({ status }) => status === "ready").length;
  const instances =
    ready === lane.instances.length ? `${ready}` : `${ready} of ${lane.instances.length}`;
  return (
    <>
      <td className="number" data-label="instances">
        {instances}
      </td>
      {lane.badRate === null && lane.p99Ms === null ? (
        <td className="number tw-muted none" colSpan={4}>
          no requests yet
        </td>
      ) : (
        <>
          <td className="number" data-label="req/s">
            {perSecond(lane.requestsPerSecond)}
          </td>
          <td className="number" data-label="bad">
            {ratePercent(lane.badRate)}
          </td>
          <td className="number" data-label="p50">
            {latency(lane.p50Ms)}
          </td>
          <td className="number" data-label="p99">
            {latency(lane.p99Ms)}
          </td>
        </>
      )}
    </>
  );
}
