/**
 * Finds ids and digests in a text, so that they can be set in the mono face. The text face draws
 * an x between digits as a multiplication sign, which would show an id that does not exist.
 */
export interface TextPart {
  readonly text: string;
  readonly isId: boolean;
}

/** Prefixed ids (`rol_...`) and SHA-256 digests. */
const ID = /\b([a-z]{3}_[0-9a-z]{26}|[0-9a-f]{64})\b/;

/** The text in order, cut where an id begins or ends; nothing of it is lost. */
export function splitIds(text: string): TextPart[] {
  return text
    .split(ID)
    .map((part, index) => ({ text: part, isId: index % 2 === 1 }))
    .filter((part) => part.text !== "");
}
