/**
 * Text that cannot be kept is refused before anything is done with it. JSON can spell U+0000 and
 * halves of surrogate pairs; PostgreSQL's text and jsonb hold neither. Found out only when the
 * answer is stored, money would have moved and nobody could be told.
 */
import { commonErrors } from "@tideway/kernel";

const NO_TEXT = /[\0\p{Cs}]/u;

/** Throws BODY_INVALID when a string in a body that matched its schema cannot be kept. */
export function checkText(body: unknown): void {
  const path = findNoText(body, "body");
  if (path === null) return;
  throw commonErrors.error("BODY_INVALID", {
    given: { path, problem: "holds U+0000 or half a surrogate pair" },
  });
}

/** The path of the first string that cannot be kept, or null. Its depth is bounded by the schema. */
function findNoText(value: unknown, path: string): string | null {
  if (typeof value === "string") return NO_TEXT.test(value) ? path : null;
  if (value === null || typeof value !== "object") return null;
  for (const [key, item] of Object.entries(value)) {
    const found = findNoText(item, `${path}/${key}`);
    if (found !== null) return found;
  }
  return null;
}
