import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { RevisionSummary } from "@tideway/api-admin";
import { CopyId, EmptyNote, StateChip } from "@tideway/ui";
import type { Tone } from "@tideway/ui";
import { useState } from "react";
import { admin } from "../../data/admin.ts";
import type { ServiceDetail } from "../../data/admin.ts";
import { showRollout } from "../../data/queries.ts";
import { useServerNow } from "../../data/use-now.ts";
import { rollbackConfirmation } from "../../domain/actions.ts";
import { moment } from "../../domain/format.ts";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";

export interface RevisionsTabProps {
  readonly detail: ServiceDetail;
  readonly onResult: (words: string) => void;
}

export function RevisionsTab({ detail, onResult }: RevisionsTabProps) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [target, setTarget] = useState<string | null>(null);
  const { service, stable } = detail.service;
  if (detail.revisions.length === 0) {
    return (
      <div className="tw-card">
        <EmptyNote title="No revision yet">
          npx tideway deploy {service} builds the first.
        </EmptyNote>
      </div>
    );
  }
  const run = async (reason: string | undefined): Promise<void> => {
    if (target === null) return;
    const body = { revision: target, ...(reason === undefined ? {} : { reason }) };
    const rollout = await admin.rollback({ params: { service }, body });
    onResult(`Rolling back: ${service} returns to ${target}.`);
    await showRollout(client, rollout);
    await navigate({ to: "/rollouts/$rolloutId", params: { rolloutId: rollout.rollout } });
  };
  return (
    <div className="tw-card table-box">
      <RevisionTable revisions={detail.revisions} onRollback={setTarget} />
      <ConfirmDialog
        confirmation={target === null ? null : rollbackConfirmation(service, target, stable)}
        onClose={() => setTarget(null)}
        run={run}
      />
    </div>
  );
}

interface RevisionTableProps {
  readonly revisions: readonly RevisionSummary[];
  readonly onRollback: (revision: string) => void;
}

function RevisionTable({ revisions, onRollback }: RevisionTableProps) {
  const nowMs = useServerNow();
  return (
    <table className="facts revisions-table">
      <caption className="tw-hidden">Revisions, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Revision</th>
          <th scope="col">Is now</th>
          <th scope="col">Built</th>
          <th scope="col">Digest</th>
          <th scope="col">
            <span className="tw-hidden">Action</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {revisions
          .toSorted((a, b) => b.number - a.number)
          .map((revision) => (
            <tr key={revision.revision}>
              <th scope="row">{revision.revision}</th>
              <td>
                <StateChip tone={ROLE_TONES[revision.role]} shape="plain">
                  {revision.role}
                </StateChip>
              </td>
              <td>
                <time dateTime={revision.createdAt}>
                  {moment(Date.parse(revision.createdAt), nowMs)}
                </time>
                <span className="tw-muted">, by {revision.createdBy}</span>
              </td>
              <td>
                <CopyId id={revision.digest} what="digest" shown={revision.digest.slice(0, 12)} />
              </td>
              <td className="row-act">
                {revision.role === "kept" ? (
                  <Button
                    variant="default"
                    size="xs"
                    aria-label={`Rollback to ${revision.revision}`}
                    onClick={() => onRollback(revision.revision)}
                  >
                    Rollback
                  </Button>
                ) : null}
              </td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}

const ROLE_TONES: Record<RevisionSummary["role"], Tone> = {
  stable: "tide",
  candidate: "candidate",
  kept: "quiet",
  withdrawn: "bad",
};
