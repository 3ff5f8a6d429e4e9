/** A few line signs on a 16-unit grid, drawn in the text's colour. */
const paths = {
  "arrow-in": "M12 4 4 12M4 6v6h6",
  "arrow-out": "M4 12l8-8M6 4h6v6",
  back: "M10 3 5 8l5 5",
  forward: "M6 3l5 5-5 5",
  check: "M3 8.5 6.5 12 13 4.5",
  clock: "M8 4.5V8l2.5 1.5M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  copy: "M6 6h7v7H6zM10 3H3v7",
  cross: "M4 4l8 8M12 4l-8 8",
  dash: "M3 8h10",
  dot: "M11.5 8a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0zM9 8a1 1 0 1 1-2 0 1 1 0 0 1 2 0z",
  person: "M8 8a2.6 2.6 0 1 0 0-5.2A2.6 2.6 0 0 0 8 8zM2.8 14c.6-2.6 2.6-4 5.2-4s4.6 1.4 5.2 4",
  plus: "M8 3v10M3 8h10",
  scan: "M2.5 5.5v-3h3M10.5 2.5h3v3M13.5 10.5v3h-3M5.5 13.5h-3v-3M2.5 8h11",
} as const;

export type IconName = keyof typeof paths;

export interface IconProps {
  readonly name: IconName;
  /** Edge length in pixels. */
  readonly size?: number;
}

/** A sign beside words; hidden from screen readers, which hear the words. */
export function Icon({ name, size = 16 }: IconProps) {
  return (
    <svg
      className="tw-icon"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.75}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
    >
      <path d={paths[name]} />
    </svg>
  );
}
