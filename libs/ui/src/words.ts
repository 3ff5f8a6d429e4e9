import { createContext, useContext } from "react";

/** Every word the shared components say; an app passes its own language to `TidewayProvider`. */
export interface UiWords {
  readonly skipToContent: string;
  readonly tryAgain: string;
  readonly code: string;
  readonly trace: string;
  readonly copy: (what: string) => string;
  readonly copied: string;
  readonly copyFailed: string;
  readonly loading: string;
  readonly theme: string;
  readonly themeSystem: string;
  readonly themeLight: string;
  readonly themeDark: string;
}

export const englishWords: UiWords = {
  skipToContent: "Skip to content",
  tryAgain: "Try again",
  code: "Code",
  trace: "Trace",
  copy: (what) => `Copy ${what}`,
  copied: "Copied",
  copyFailed: "Not copied. Select it and copy by hand.",
  loading: "Loading",
  theme: "Theme",
  themeSystem: "System",
  themeLight: "Light",
  themeDark: "Dark",
};

export const WordsContext = createContext<UiWords>(englishWords);

export function useWords(): UiWords {
  return useContext(WordsContext);
}
