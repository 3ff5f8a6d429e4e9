import type { Instance, ServiceSummary } from "@tideway/api-admin";
import { EmptyNote, StateChip } from "@tideway/ui";
import type { Tone } from "@tideway/ui";
import { useServerNow } from "../../data/use-now.ts";
import { count, duration, memory, shortId } from "../../domain/format.ts";
import { instancesOf } from "../../domain/service-view.ts";
import type { InstanceRow } from "../../domain/service-view.ts";

export function InstancesTab({ service }: { readonly service: ServiceSummary }) {
  const nowMs = useServerNow();
  const instances = instancesOf(service);
  const laneOf = ({ revision }: InstanceRow): "stable" | "candidate" =>
    revision === service.candidate ? "candidate" : "stable";
  if (instances.length === 0) {
    return (
      <div className="tw-card">
        <EmptyNote title="No instance runs">
          {service.healthReason ?? "One comes out with the next request or release."}
        </EmptyNote>
      </div>
    );
  }
  return (
    <div className="tw-card table-box">
      <table className="facts instances-table">
        <caption className="tw-hidden">Instances of {service.service}</caption>
        <thead>
          <tr>
            <th scope="col">Instance</th>
            <th scope="col">Revision</th>
            <th scope="col">State</th>
            <th scope="col" className="number">
              Process
            </th>
            <th scope="col" className="number">
              Running for
            </th>
            <th scope="col" className="number">
              Restarts
            </th>
            <th scope="col" className="number">
              Memory
            </th>
          </tr>
        </thead>
        <tbody>
          {instances.map((instance) => (
            <Row
              key={instance.instance}
              instance={instance}
              nowMs={nowMs}
              lane={laneOf(instance)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  readonly instance: InstanceRow;
  readonly lane: "stable" | "candidate";
  readonly nowMs: number;
}

function Row({ instance, lane, nowMs }: RowProps) {
  return (
    <tr>
      <th scope="row">
        <code title={instance.url}>{shortId(instance.instance)}</code>
      </th>
      <td className="lane-revision" data-role={lane}>
        {instance.revision}
      </td>
      <td>
        <StateChip tone={STATUS_TONES[instance.status]} shape="plain">
          {instance.status}
        </StateChip>
      </td>
      <td className="number" data-label="pid">
        {instance.pid ?? "none"}
      </td>
      <td className="number" data-label="up">
        {duration(nowMs - Date.parse(instance.startedAt))}
      </td>
      <td className="number" data-label="restarts">
        {count(instance.restarts)}
      </td>
      <td className="number" data-label="memory">
        {memory(instance.memoryBytes)}
      </td>
    </tr>
  );
}

const STATUS_TONES: Record<Instance["status"], Tone> = {
  ready: "good",
  starting: "warn",
  draining: "warn",
  failed: "bad",
};
