import * as tokens from "./tokens.ts";
import type { Palette } from "./tokens.ts";

/**
 * The text of `tokens.css`. Without an attribute the system's preference decides; Mantine's
 * `data-mantine-color-scheme`, or `data-theme` on pages without Mantine, overrules it.
 *
 * @example node -e 'import("./render-tokens-css.ts").then((m) => console.log(m.renderTokensCss()))'
 */
export function renderTokensCss(): string {
  return `/* Rendered from tokens.ts by render-tokens-css.ts; change it there. */
:root {
${indent(1, sharedLines())}
}

:root,
:root[data-mantine-color-scheme="light"],
:root[data-theme="light"] {
${indent(1, paletteLines("light", tokens.light))}
}

@media (prefers-color-scheme: dark) {
  :root:not([data-mantine-color-scheme], [data-theme]) {
${indent(2, paletteLines("dark", tokens.dark))}
  }
}

:root[data-mantine-color-scheme="dark"],
:root[data-theme="dark"] {
${indent(1, paletteLines("dark", tokens.dark))}
}

@media (prefers-reduced-motion: reduce) {
  :root {
    --tw-motion: 0ms;
  }
}
`;
}

function sharedLines(): string[] {
  return [
    `--tw-font-text: ${tokens.fontText};`,
    `--tw-font-mono: ${tokens.fontMono};`,
    ...tokens.fontSizesPx.map((size) => `--tw-size-${size}: ${size / 16}rem;`),
    `--tw-space: ${tokens.spaceStepPx}px;`,
    `--tw-radius: ${tokens.radiusPx}px;`,
    `--tw-motion: ${tokens.motionMs}ms;`,
  ];
}

function paletteLines(scheme: "light" | "dark", palette: Palette): string[] {
  const fills = tokens.colorNames.flatMap((name) => [
    `--tw-${name}: ${palette[name].toLowerCase()};`,
    `--tw-${name}-hover: ${tokens.mixColor(palette[name], palette.text, 0.18)};`,
    `--tw-${name}-wash: ${tokens.mixColor(palette.surface, palette[name], 0.1)};`,
  ]);
  return [
    `color-scheme: ${scheme};`,
    `--tw-text: ${palette.text.toLowerCase()};`,
    `--tw-muted: ${palette.muted.toLowerCase()};`,
    `--tw-surface: ${palette.surface.toLowerCase()};`,
    `--tw-mist: ${palette.mist.toLowerCase()};`,
    // Hairlines between things, and the edge of controls, which has to reach 3:1.
    `--tw-line: ${tokens.mixColor(palette.surface, palette.text, 0.13)};`,
    `--tw-edge: ${tokens.mixColor(palette.surface, palette.text, 0.52)};`,
    ...fills,
    `--tw-on-fill: ${palette.onFill.toLowerCase()};`,
  ];
}

function indent(depth: number, lines: string[]): string {
  return lines.map((line) => "  ".repeat(depth) + line).join("\n");
}
