/** What is said when the page's data is old: whose fault it is, and what goes on all the same. */
export interface StaleWords {
  readonly title: string;
  readonly meanwhile: string;
}

/** `failure` is what control answered last; null when it did not answer. */
export function staleWords(
  failure: { readonly code: string; readonly title: string } | null,
): StaleWords {
  if (failure === null || failure.code === "UNREACHABLE") {
    return {
      title: "Connection to control lost",
      meanwhile: "The gateway goes on serving without control.",
    };
  }
  return {
    title: "What you see is not fresh",
    meanwhile: `Control answers ${failure.code}: ${failure.title}`,
  };
}
