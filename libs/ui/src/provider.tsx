import { MantineProvider, localStorageColorSchemeManager } from "@mantine/core";
import type { ReactNode } from "react";
import "@mantine/core/styles/baseline.css";
import "@mantine/core/styles/global.css";
import "@mantine/core/styles/UnstyledButton.css";
import "@mantine/core/styles/Button.css";
import "@mantine/core/styles/Loader.css";
import "@mantine/core/styles/Skeleton.css";
import "./fonts.css";
import "./tokens.css";
import "./ui.css";
import { LocaleContext, localeOf } from "./locale.ts";
import { cssVariables, theme } from "./theme.ts";
import { WordsContext, englishWords } from "./words.ts";
import type { UiWords } from "./words.ts";

/** Where the choice of theme is kept in localStorage: auto, light or dark. */
export const THEME_KEY = "tideway-theme";
const colorSchemeManager = localStorageColorSchemeManager({ key: THEME_KEY });

export interface TidewayProviderProps {
  /** A BCP 47 tag; left out, the browser's languages decide. */
  readonly locale?: string;
  readonly words?: UiWords;
  readonly children: ReactNode;
}

/** Mantine in Tideway's look, with the locale and words the shared components use. */
export function TidewayProvider({ locale, words = englishWords, children }: TidewayProviderProps) {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      colorSchemeManager={colorSchemeManager}
      defaultColorScheme="auto"
      // All variables come from here, so that no style sheet of defaults has to be loaded too.
      deduplicateCssVariables={false}
    >
      <LocaleContext value={locale ?? localeOf(navigator.languages)}>
        <WordsContext value={words}>{children}</WordsContext>
      </LocaleContext>
    </MantineProvider>
  );
}
