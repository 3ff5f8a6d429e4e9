export interface MarkProps {
  /** Edge length in pixels. */
  readonly size?: number;
  /** Said by screen readers; left out, the mark is decoration. */
  readonly label?: string;
}

/** The mark: three level lines, the middle one rising into a wave. */
export function Mark({ size = 24, label }: MarkProps) {
  const spoken =
    label === undefined ? { "aria-hidden": true } : { role: "img", "aria-label": label };
  return (
    <svg
      className="tw-mark"
      width={size}
      height={size}
      viewBox="0 0 32 32"
      fill="none"
      stroke="currentColor"
      strokeWidth={3}
      strokeLinecap="round"
      {...spoken}
    >
      <path d="M4 8h24M4 18h6c4 0 4-5 8-5s4 5 8 5h2M4 26h24" />
    </svg>
  );
}
