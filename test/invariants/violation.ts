/** What a checker found; an empty list means that the invariant held. */
export interface Violation {
  readonly checker: "bank" | "set" | "order" | "saga" | "lease";
  /** What is wrong and where, in one sentence. */
  readonly what: string;
}

/** A report names this many of a kind; the rest is counted. */
const NAMED_MAX = 10;

export function found(checker: Violation["checker"], sentences: readonly string[]): Violation[] {
  const named = sentences.slice(0, NAMED_MAX).map((what): Violation => ({ checker, what }));
  const more = sentences.length - named.length;
  if (more > 0) named.push({ checker, what: `and ${more} more of the kind` });
  return named;
}
