import { Radio } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import type { Rollout } from "@tideway/api-admin";
import { unreachable } from "@tideway/kernel";
import { useState } from "react";
import { admin } from "../../data/admin.ts";
import { showRollout } from "../../data/queries.ts";
import { actionViews, confirmationOf, nextWeight, resultWords } from "../../domain/actions.ts";
import type { ActionName } from "../../domain/actions.ts";
import { weightPercent } from "../../domain/format.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";

export interface RolloutActionsProps {
  readonly rollout: Rollout;
  /** Told what became of an act, in a sentence. */
  readonly onResult: (words: string) => void;
}

export function RolloutActions({ rollout, onResult }: RolloutActionsProps) {
  const client = useQueryClient();
  const [asked, setAsked] = useState<ActionName | null>(null);
  const [isFull, setIsFull] = useState(false);
  const canChoose = asked === "promote" && nextWeight(rollout) < 100;
  const run = async (reason: string | undefined): Promise<void> => {
    if (asked === null) return;
    const after = await perform(asked, rollout.rollout, { reason, isFull: canChoose && isFull });
    onResult(resultWords(asked, after));
    await showRollout(client, after);
  };
  return (
    <div className="head-actions">
      {actionViews(rollout).map((action) => (
        <ActionButton
          key={action.name}
          label={action.label}
          refusal={action.refusal}
          variant={action.name === "promote" ? "filled" : "default"}
          isGrave={action.name === "abort"}
          onClick={() => {
            setIsFull(false);
            setAsked(action.name);
          }}
        />
      ))}
      <ConfirmDialog
        confirmation={
          asked === null ? null : confirmationOf(asked, rollout, { isFull: canChoose && isFull })
        }
        onClose={() => setAsked(null)}
        run={run}
      >
        {canChoose ? (
          <PromoteChoice rollout={rollout} isFull={isFull} onChange={setIsFull} />
        ) : null}
      </ConfirmDialog>
    </div>
  );
}

interface PromoteChoiceProps {
  readonly rollout: Rollout;
  readonly isFull: boolean;
  readonly onChange: (isFull: boolean) => void;
}

function PromoteChoice({ rollout, isFull, onChange }: PromoteChoiceProps) {
  return (
    <Radio.Group
      label="How far"
      value={isFull ? "full" : "next"}
      onChange={(value) => onChange(value === "full")}
    >
      <div className="choices">
        <Radio value="next" label={`The next step, ${weightPercent(nextWeight(rollout))}`} />
        <Radio value="full" label={`Straight to ${weightPercent(100)}`} />
      </div>
    </Radio.Group>
  );
}

interface PerformOptions {
  readonly reason: string | undefined;
  readonly isFull: boolean;
}

function perform(name: ActionName, rolloutId: string, options: PerformOptions): Promise<Rollout> {
  const params = { rolloutId };
  const body = options.reason === undefined ? {} : { reason: options.reason };
  switch (name) {
    case "pause":
      return admin.pause({ params, body });
    case "resume":
      return admin.resume({ params, body });
    case "promote":
      return admin.promote({ params, body: options.isFull ? { ...body, full: true } : body });
    case "abort":
      return admin.abort({ params, body });
    default:
      return unreachable(name);
  }
}
