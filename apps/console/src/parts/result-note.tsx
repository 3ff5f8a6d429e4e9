import { CloseButton } from "@mantine/core";

export interface ResultNoteProps {
  /** Null: nothing to tell. The live region stays, so that the next result is announced. */
  readonly result: string | null;
  readonly onDismiss: () => void;
}

/** What became of an act. */
export function ResultNote({ result, onDismiss }: ResultNoteProps) {
  return (
    <output className="result" data-shown={result !== null}>
      {result === null ? null : (
        <span className="tw-note result-note" data-tone="good">
          <span>{result}</span>
          <CloseButton aria-label="Dismiss" onClick={onDismiss} />
        </span>
      )}
    </output>
  );
}
