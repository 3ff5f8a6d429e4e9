import type { SagaSummary } from "@tideway/schema";
import { StateChip } from "@tideway/ui";
import { sagaLook } from "../domain/saga-words.ts";

export interface SagaStateProps {
  readonly saga: Pick<SagaSummary, "state" | "needsAttention">;
  readonly shape?: "boxed" | "plain";
}

/** A saga's state, and beside it that somebody should look. */
export function SagaState({ saga, shape = "boxed" }: SagaStateProps) {
  const { word, tone, sign } = sagaLook(saga.state);
  return (
    <span className="saga-state">
      <StateChip tone={tone} sign={sign} shape={shape}>
        {word}
      </StateChip>
      {saga.needsAttention ? (
        <StateChip tone="bad" shape={shape}>
          needs attention
        </StateChip>
      ) : null}
    </span>
  );
}
