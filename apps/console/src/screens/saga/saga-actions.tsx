import { useQueryClient } from "@tanstack/react-query";
import type { ListedSaga, SagaDetail } from "@tideway/api-admin";
import { unreachable } from "@tideway/kernel";
import { useState } from "react";
import { admin } from "../../data/admin.ts";
import { refreshAll } from "../../data/backbone-queries.ts";
import { useServerNow } from "../../data/use-now.ts";
import { sagaActs, sagaConfirmation, sagaResult } from "../../domain/saga-actions.ts";
import type { SagaAct } from "../../domain/saga-actions.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";

export interface SagaActionsProps {
  readonly detail: SagaDetail;
  /** Told what became of an act, in a sentence. */
  readonly onResult: (words: string) => void;
}

/** The api keeps a reason in any case. */
const NO_REASON = "No reason given.";

export function SagaActions({ detail, onResult }: SagaActionsProps) {
  const client = useQueryClient();
  const nowMs = useServerNow();
  const [asked, setAsked] = useState<SagaAct | null>(null);
  const run = async (reason: string | undefined): Promise<void> => {
    if (asked === null) return;
    onResult(sagaResult(asked, await perform(asked, detail, reason ?? NO_REASON)));
    await refreshAll(client);
  };
  return (
    <div className="head-actions">
      {sagaActs(detail).map(({ name, label, refusal }) => (
        <ActionButton
          key={name}
          label={label}
          refusal={refusal}
          isGrave={name === "compensate"}
          onClick={() => setAsked(name)}
        />
      ))}
      <ConfirmDialog
        confirmation={asked === null ? null : sagaConfirmation(asked, detail, nowMs)}
        onClose={() => setAsked(null)}
        run={run}
      />
    </div>
  );
}

function perform(act: SagaAct, detail: SagaDetail, reason: string): Promise<ListedSaga> {
  const { service } = detail;
  const params = { saga: detail.saga.saga };
  switch (act) {
    case "retry":
      return admin.retrySaga({ params, body: { service } });
    case "compensate":
      return admin.compensateSaga({ params, body: { service, reason } });
    default:
      return unreachable(act);
  }
}
