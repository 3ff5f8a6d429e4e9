import { Link } from "@tanstack/react-router";
import { EmptyNote } from "@tideway/ui";
import type { ServiceDetail } from "../../data/admin.ts";
import { useServerNow } from "../../data/use-now.ts";
import { duration, moment, revisionNumber } from "../../domain/format.ts";
import { RolloutStateChip } from "../../parts/rollout-state-chip.tsx";

export interface RolloutsTabProps {
  readonly rollouts: ServiceDetail["rollouts"];
  readonly service: string;
}

export function RolloutsTab({ rollouts, service }: RolloutsTabProps) {
  const nowMs = useServerNow();
  if (rollouts.length === 0) {
    return (
      <div className="tw-card">
        <EmptyNote title="Nothing was released yet">
          npx tideway deploy {service} starts the first rollout.
        </EmptyNote>
      </div>
    );
  }
  return (
    <ol className="needs tw-card">
      {rollouts
        .toSorted((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt))
        .map((rollout) => {
          const startedMs = Date.parse(rollout.startedAt);
          const endedMs = rollout.finishedAt === null ? nowMs : Date.parse(rollout.finishedAt);
          return (
            <li key={rollout.rollout} className="need">
              <RolloutStateChip state={rollout.state} />
              <div>
                <p>
                  <Link to="/rollouts/$rolloutId" params={{ rolloutId: rollout.rollout }}>
                    {rollout.from === null ? "" : `${revisionNumber(rollout.from)} \u2192 `}
                    {revisionNumber(rollout.to)}
                  </Link>
                  {rollout.outcome === null ? "" : ` ${rollout.outcome}`}
                </p>
                <p className="tw-muted small">
                  {moment(startedMs, nowMs)}, {rollout.finishedAt === null ? "for " : "took "}
                  {duration(endedMs - startedMs)}
                </p>
              </div>
            </li>
          );
        })}
    </ol>
  );
}
