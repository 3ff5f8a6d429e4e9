import type { RolloutStateName } from "@tideway/api-admin";
import { StateChip } from "@tideway/ui";
import { toneOf } from "../domain/rollout-words.ts";

export interface RolloutStateChipProps {
  readonly state: RolloutStateName;
  readonly shape?: "boxed" | "plain";
}

export function RolloutStateChip({ state, shape = "boxed" }: RolloutStateChipProps) {
  return (
    <StateChip tone={toneOf(state)} shape={shape}>
      {state}
    </StateChip>
  );
}
