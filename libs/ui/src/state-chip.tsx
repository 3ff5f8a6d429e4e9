import { Icon } from "./icons.tsx";
import type { IconName } from "./icons.tsx";

export type Tone = "good" | "warn" | "bad" | "tide" | "candidate" | "quiet";

export interface StateChipProps {
  readonly tone: Tone;
  /** The state's word; a colour never stands alone. */
  readonly children: string;
  /** Its sign; each tone has one of its own. */
  readonly sign?: IconName;
  /** `plain` leaves out the box, for dense rows. */
  readonly shape?: "boxed" | "plain";
}

const signs: Record<Tone, IconName> = {
  good: "check",
  warn: "clock",
  bad: "cross",
  tide: "dot",
  candidate: "dot",
  quiet: "dash",
};

/** A state as a word and a sign, coloured by what it means. */
export function StateChip({ tone, children, sign, shape = "boxed" }: StateChipProps) {
  return (
    <span className="tw-chip" data-tone={tone} data-shape={shape}>
      <Icon name={sign ?? signs[tone]} size={12} />
      {children}
    </span>
  );
}
