/**
 * Mantine wears the tokens: its colours point at the custom properties of `tokens.css`, so that
 * one attribute switches both. Its default blue, which fails contrast, is never used.
 */
import { createTheme, defaultVariantColorsResolver, rem } from "@mantine/core";
import type {
  CSSVariablesResolver,
  MantineColorsTuple,
  VariantColorsResolver,
} from "@mantine/core";
import * as tokens from "./tokens.ts";
import type { ColorName, Palette } from "./tokens.ts";

const [size12, size14, size16, size20, size28, size40] = tokens.fontSizesPx;

export const theme = createTheme({
  fontFamily: "var(--tw-font-text)",
  fontFamilyMonospace: "var(--tw-font-mono)",
  headings: {
    fontFamily: "var(--tw-font-text)",
    fontWeight: "600",
    sizes: {
      h1: { fontSize: rem(size28), lineHeight: "1.25" },
      h2: { fontSize: rem(size20), lineHeight: "1.3" },
      h3: { fontSize: rem(size16), lineHeight: "1.4" },
      h4: { fontSize: rem(size14), lineHeight: "1.4" },
    },
  },
  fontSizes: {
    xs: rem(size12),
    sm: rem(size14),
    md: rem(size16),
    lg: rem(size20),
    xl: rem(size28),
    hero: rem(size40),
  },
  spacing: { xs: rem(8), sm: rem(12), md: rem(16), lg: rem(24), xl: rem(32) },
  radius: { xs: rem(4), sm: rem(8), md: rem(8), lg: rem(8), xl: rem(8) },
  defaultRadius: "md",
  primaryColor: "tide",
  primaryShade: 6,
  respectReducedMotion: true,
  cursorType: "pointer",
  colors: {
    ...Object.fromEntries(tokens.colorNames.map((name) => [name, shadesOf(tokens.light[name])])),
    gray: greysOf(tokens.light.mist, tokens.light.text),
    dark: darksOf(tokens.dark),
  },
  variantColorResolver: resolveVariant(),
});

/** Values of Mantine's own variables; the scheme-dependent part is inside ours. */
export const cssVariables: CSSVariablesResolver = () => {
  const scheme = {
    "--mantine-color-body": "var(--tw-mist)",
    "--mantine-color-text": "var(--tw-text)",
    "--mantine-color-dimmed": "var(--tw-muted)",
    "--mantine-color-placeholder": "var(--tw-muted)",
    "--mantine-color-anchor": "var(--tw-tide)",
    "--mantine-color-error": "var(--tw-bad)",
    "--mantine-color-success": "var(--tw-good)",
    "--mantine-color-bright": "var(--tw-text)",
    "--mantine-color-default": "var(--tw-surface)",
    "--mantine-color-default-hover": "var(--tw-tide-wash)",
    "--mantine-color-default-color": "var(--tw-text)",
    "--mantine-color-default-border": "var(--tw-line)",
    "--mantine-color-disabled": "var(--tw-line)",
    "--mantine-color-disabled-color": "var(--tw-muted)",
    "--mantine-color-disabled-border": "var(--tw-line)",
    "--mantine-primary-color-contrast": "var(--tw-on-fill)",
    ...Object.fromEntries(tokens.colorNames.flatMap(colorEntries)),
  };
  return { variables: {}, light: scheme, dark: scheme };
};

function colorEntries(name: ColorName): [string, string][] {
  const own: [string, string][] = [
    ["filled", `var(--tw-${name})`],
    ["filled-hover", `var(--tw-${name}-hover)`],
    ["light", `var(--tw-${name}-wash)`],
    ["light-hover", `var(--tw-${name}-wash)`],
    ["light-color", `var(--tw-${name})`],
    ["outline", `var(--tw-${name})`],
    ["outline-hover", `var(--tw-${name}-wash)`],
    ["text", `var(--tw-${name})`],
  ];
  const named = own.map(([part, value]): [string, string] => [
    `--mantine-color-${name}-${part}`,
    value,
  ]);
  if (name !== "tide") return named;
  return [
    ...named,
    ...own.map(([part, value]): [string, string] => [`--mantine-primary-color-${part}`, value]),
  ];
}

/** Filled things carry text that is legible in both schemes, which one shade cannot give. */
function resolveVariant(): VariantColorsResolver {
  return (input) => {
    const resolved = defaultVariantColorsResolver(input);
    const name = tokens.colorNames.find(
      (known) => known === (input.color ?? input.theme.primaryColor),
    );
    if (name === undefined || input.variant !== "filled") return resolved;
    return {
      background: `var(--tw-${name})`,
      hover: `var(--tw-${name}-hover)`,
      color: "var(--tw-on-fill)",
      border: "none",
    };
  };
}

/** Mantine's greys for the light scheme: from the page's ground to the text. */
function greysOf(ground: string, text: string): MantineColorsTuple {
  const at = (share: number): string => tokens.mixColor(ground, text, share);
  return [
    ground,
    at(0.03),
    at(0.08),
    at(0.14),
    at(0.24),
    at(0.45),
    at(0.62),
    at(0.7),
    at(0.82),
    text,
  ];
}

/** Mantine's dark shades: 0 to 2 are text, 4 is a border, 6 a surface, 7 and 8 the page. */
function darksOf(palette: Palette): MantineColorsTuple {
  const raised = (share: number): string => tokens.mixColor(palette.surface, palette.text, share);
  return [
    palette.text,
    raised(0.75),
    palette.muted,
    raised(0.45),
    raised(0.13),
    raised(0.07),
    palette.surface,
    palette.mist,
    palette.mist,
    tokens.mixColor(palette.mist, "#000000", 0.3),
  ];
}

function shadesOf(color: string): MantineColorsTuple {
  const lighter = (share: number): string => tokens.mixColor(color, "#FFFFFF", share);
  const darker = (share: number): string => tokens.mixColor(color, "#000000", share);
  return [
    lighter(0.92),
    lighter(0.84),
    lighter(0.7),
    lighter(0.54),
    lighter(0.36),
    lighter(0.18),
    color,
    darker(0.12),
    darker(0.24),
    darker(0.36),
  ];
}
