import { createContext, useContext } from "react";

/** The BCP 47 tag by which numbers and times are spelled; `TidewayProvider` sets it. */
export const LocaleContext = createContext("en-GB");

export function useLocale(): string {
  return useContext(LocaleContext);
}

/**
 * The first of the person's languages that the app has words in, so that numbers and sentences
 * are of one language; British English where there is none.
 */
export function localeOf(languages: readonly string[], spoken: readonly string[] = ["en"]): string {
  const known = languages.find((tag) => spoken.includes(tag.split("-")[0] ?? ""));
  return known ?? "en-GB";
}
