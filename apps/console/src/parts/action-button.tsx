import { Button, Tooltip } from "@mantine/core";
import { useId } from "react";

export interface ActionButtonProps {
  readonly label: string;
  /** Why it cannot be done now; null when it can. */
  readonly refusal: string | null;
  readonly onClick: () => void;
  readonly variant?: "filled" | "default";
  /** What it does cannot simply be taken back. */
  readonly isGrave?: boolean;
  readonly size?: "sm" | "compact-sm";
  /** Said instead of the label where several have the same; it begins with the label. */
  readonly says?: string;
}

/** A button that cannot be used keeps its place and the focus, and says why. */
export function ActionButton(props: ActionButtonProps) {
  const { label, refusal, onClick, variant = "default", isGrave = false, size = "sm" } = props;
  const reasonId = useId();
  const isOff = refusal !== null;
  return (
    <Tooltip
      label={refusal ?? ""}
      disabled={!isOff}
      events={{ hover: true, focus: true, touch: true }}
      multiline
      w={240}
    >
      <Button
        variant={variant}
        size={size}
        className={isGrave ? "act-button act-grave" : "act-button"}
        aria-disabled={isOff}
        {...(props.says === undefined ? {} : { "aria-label": props.says })}
        {...(isOff ? { "data-disabled": true, "aria-describedby": reasonId } : {})}
        onClick={() => {
          if (!isOff) onClick();
        }}
      >
        {label}
        {isOff ? (
          <span id={reasonId} className="tw-hidden">
            {refusal}
          </span>
        ) : null}
      </Button>
    </Tooltip>
  );
}
