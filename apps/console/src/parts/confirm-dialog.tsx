import { Button, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { ReactNode } from "react";
import type { Confirmation } from "../domain/actions.ts";
import { Dialog } from "./dialog.tsx";
import { Failure } from "./failure.tsx";

export interface ConfirmDialogProps {
  /** Null: the dialog is closed. */
  readonly confirmation: Confirmation | null;
  readonly onClose: () => void;
  /** Does it; the reason is undefined when none was given. What it throws is shown here. */
  readonly run: (reason: string | undefined) => Promise<void>;
  /** A choice that belongs to the question. */
  readonly children?: ReactNode;
}

const REASON_LENGTH_MAX = 500;

/** Asks before anything is done: what changes, how to undo it, and, if one likes, why. */
export function ConfirmDialog({ confirmation, onClose, run, children }: ConfirmDialogProps) {
  return (
    <Dialog isOpen={confirmation !== null} title={confirmation?.title ?? ""} onClose={onClose}>
      {confirmation === null ? null : (
        <Question confirmation={confirmation} onClose={onClose} run={run}>
          {children}
        </Question>
      )}
    </Dialog>
  );
}

interface QuestionProps extends ConfirmDialogProps {
  readonly confirmation: Confirmation;
}

function Question({ confirmation, onClose, run, children }: QuestionProps) {
  const [reason, setReason] = useState("");
  const act = useMutation({
    mutationFn: () => run(reason.trim() === "" ? undefined : reason.trim()),
    onSuccess: onClose,
  });
  return (
    <form
      className="question"
      onSubmit={(event) => {
        event.preventDefault();
        act.mutate();
      }}
    >
      {children}
      <dl>
        <dt>What changes</dt>
        <dd>{confirmation.changes}</dd>
        <dt>How to undo it</dt>
        <dd>{confirmation.undo}</dd>
      </dl>
      {confirmation.asksReason === false ? null : (
        <Textarea
          data-autofocus
          label="Reason"
          description="Optional; kept in the audit log."
          autosize
          minRows={2}
          maxRows={6}
          maxLength={REASON_LENGTH_MAX}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
      )}
      {act.error === null ? null : <Failure error={act.error} />}
      <div className="question-buttons">
        <Button variant="default" onClick={onClose} disabled={act.isPending}>
          Keep as it is
        </Button>
        <Button
          type="submit"
          color={confirmation.isDestructive ? "bad" : "tide"}
          loading={act.isPending}
        >
          {confirmation.confirmLabel}
        </Button>
      </div>
    </form>
  );
}
