/**
 * The look, as data, written down once. `tokens.css` is rendered from it (a test compares them),
 * Mantine's theme points at the same custom properties, and the CLI may read the colours.
 */

export interface Palette {
  readonly text: string;
  readonly muted: string;
  /** Cards. */
  readonly surface: string;
  /** The page behind the cards. */
  readonly mist: string;
  /** The one accent: primary action, the stable lane, links. */
  readonly tide: string;
  /** The candidate revision, everywhere. */
  readonly candidate: string;
  readonly good: string;
  readonly warn: string;
  readonly bad: string;
  /** Text upon a filled tide, candidate, good, warn or bad. */
  readonly onFill: string;
}

export type ColorName = "tide" | "candidate" | "good" | "warn" | "bad";

export const colorNames = ["tide", "candidate", "good", "warn", "bad"] as const;

export const light: Palette = {
  text: "#0B1B2B",
  muted: "#51606F",
  surface: "#FFFFFF",
  mist: "#F4F7F9",
  tide: "#0B6E78",
  candidate: "#6B4BB8",
  good: "#17703A",
  warn: "#8A5A00",
  bad: "#B3261E",
  onFill: "#FFFFFF",
};

export const dark: Palette = {
  text: "#E8EEF3",
  muted: "#9FB0BF",
  surface: "#13202A",
  mist: "#0B141B",
  tide: "#5CC8D0",
  candidate: "#B79CFF",
  good: "#5BD18B",
  warn: "#F0B24A",
  bad: "#FF8A80",
  onFill: "#0B141B",
};

/** Type sizes in pixels at the browser's default; written in rem so that zooming text works. */
export const fontSizesPx = [12, 14, 16, 20, 28, 40] as const;

/** Spacing is counted in steps of this many pixels. */
export const spaceStepPx = 4;
export const radiusPx = 8;
export const motionMs = 150;

export const fontText = '"Inter Variable", system-ui, sans-serif';
export const fontMono = '"JetBrains Mono Variable", ui-monospace, monospace';

/** `#RRGGBB` channels mixed in sRGB; `share` of `other` in [0, 1]. For shades Mantine asks for. */
export function mixColor(color: string, other: string, share: number): string {
  const channel = (at: number): string => {
    const from = Number.parseInt(color.slice(at, at + 2), 16);
    const to = Number.parseInt(other.slice(at, at + 2), 16);
    return Math.round(from + (to - from) * share)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}

/** WCAG 2 contrast of two `#RRGGBB` colours, from 1 to 21. */
export function contrastOf(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

function luminance(color: string): number {
  const linear = (at: number): number => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(1) + 0.7152 * linear(3) + 0.0722 * linear(5);
}
