import { identityErrors } from "@tideway/api-identity";

export const NAME_LENGTH_MAX = 80;

/**
 * Control characters, direction overrides, lone surrogates and unassigned code points: a name with
 * them could pass for another one. The zero-width joiner stays, since emoji and scripts need it.
 */
const INVISIBLE = /(?!\u200d)[\p{C}\p{Zl}\p{Zp}]/u;
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

/** The name trimmed, with single spaces. Throws NAME_INVALID. */
export function normaliseName(text: string): string {
  const name = text.normalize("NFC").trim().replace(/ {2,}/g, " ");
  const length = Array.from(name).length;
  if (length < 1 || length > NAME_LENGTH_MAX || INVISIBLE.test(name) || !VISIBLE.test(name)) {
    throw identityErrors.error("NAME_INVALID", { given: { lengthMax: NAME_LENGTH_MAX } });
  }
  return name;
}
