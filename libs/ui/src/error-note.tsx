import { Button } from "@mantine/core";
import { CopyId } from "./copy-id.tsx";
import { useWords } from "./words.ts";

export interface ErrorNoteProps {
  /** What happened. */
  readonly title: string;
  /** What the reader can do. */
  readonly action: string;
  readonly code: string;
  readonly traceId?: string | null;
  readonly onRetry?: () => void;
  readonly retryLabel?: string;
}

/** A failure: what happened, what to do, its code, and the trace id to hand to the operator. */
export function ErrorNote({ title, action, code, traceId, onRetry, retryLabel }: ErrorNoteProps) {
  const words = useWords();
  return (
    <div className="tw-note" data-tone="bad" role="alert">
      <p className="tw-note-title">{title}</p>
      <p>{action}</p>
      <p className="tw-note-facts">
        <span>
          {words.code} <code>{code}</code>
        </span>
        {traceId === undefined || traceId === null || traceId === "" ? null : (
          <CopyId id={traceId} what={words.trace} />
        )}
      </p>
      {onRetry === undefined ? null : (
        <div>
          <Button variant="default" onClick={onRetry}>
            {retryLabel ?? words.tryAgain}
          </Button>
        </div>
      )}
    </div>
  );
}
