import { Button } from "@mantine/core";
import { CopyId } from "@tideway/ui";
import type { ReactNode } from "react";
import { messages } from "../messages.ts";
import { RETRIES_MAX } from "../payment/submit.ts";
import type { Submission, SubmissionState } from "../payment/use-submission.ts";
import { tellError } from "./tell-error.ts";
import { Failure } from "./failure.tsx";
import { Live } from "./live.tsx";
import { unreachable } from "@tideway/kernel";

export interface SubmissionPanelProps {
  readonly submission: Submission;
  /** The button that pays, in words with the amount. */
  readonly action: string;
  readonly disabled?: boolean;
  /** Shown beside the button before anything was sent. */
  readonly otherwise?: ReactNode;
  /** Shown after a refusal for good, where the same request makes no sense. */
  readonly afterRefusal?: ReactNode;
  /** Shown where nobody knows yet. */
  readonly whileUnknown?: ReactNode;
}

/** Pay, wait, and what became of it; spoken by screen readers as it happens. */
export function SubmissionPanel(props: SubmissionPanelProps) {
  const { state, start } = props.submission;
  return (
    <div className="w-submit">
      {state.phase === "unknown" ? <Unknown error={state.error} /> : null}
      {state.phase === "refused" ? <Failure error={state.error} /> : null}
      <Live className="tw-muted">{progressOf(state)}</Live>
      <div className="w-actions">
        {state.phase === "refused" && state.final ? null : (
          <Button
            onClick={start}
            disabled={props.disabled ?? false}
            loading={state.phase === "busy"}
          >
            {labelOf(state, props.action)}
          </Button>
        )}
        {besideOf(state, props)}
      </div>
    </div>
  );
}

function labelOf(state: SubmissionState, action: string): string {
  if (state.phase === "unknown") return messages.submit.checkAgain;
  return state.phase === "refused" ? messages.submit.notNow : action;
}

function besideOf(state: SubmissionState, props: SubmissionPanelProps): ReactNode {
  switch (state.phase) {
    case "idle":
      return props.otherwise;
    case "busy":
      return null;
    case "refused":
      return state.final ? props.afterRefusal : props.otherwise;
    case "unknown":
      return props.whileUnknown;
    default:
      return unreachable(state);
  }
}

function progressOf(state: SubmissionState): string {
  if (state.phase !== "busy") return "";
  if (state.retry === 0) return messages.submit.asking;
  return messages.submit.retrying(state.retry, RETRIES_MAX);
}

function Unknown({ error }: { readonly error: unknown }) {
  const described = error === null ? null : tellError(error);
  return (
    <div className="tw-note" data-tone="warn" role="alert">
      <p className="tw-note-title">{messages.submit.unknownTitle}</p>
      <p>{messages.submit.unknownText}</p>
      {described === null ? null : (
        <p className="tw-note-facts">
          <code>{described.code}</code>
          {described.traceId === null ? null : <CopyId id={described.traceId} what="Trace" />}
        </p>
      )}
    </div>
  );
}
