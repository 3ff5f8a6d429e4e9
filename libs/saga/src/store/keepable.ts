/**
 * What PostgreSQL keeps as jsonb. JSON may say more: a NUL character and half of a surrogate pair are
 * refused, and a row with them could never be saved, however often that is tried.
 */

/** Other people's answers, and signals, are kept up to this size. */
export const KEPT_BYTES_MAX = 65_536;
/** A step's request and its undo together; the column takes twice as much, as jsonb adds spaces. */
export const REQUEST_BYTES_MAX = 262_144;

/** Whether jsonb takes this text of `JSON.stringify`, which writes both only as escapes. */
export function isKeepable(json: string): boolean {
  return !/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/i.test(json);
}

/** The text without what cannot be kept; for words, where a missing character does no harm. */
export function keepableText(text: string): string {
  return text.replaceAll("\0", "\ufffd").toWellFormed();
}
