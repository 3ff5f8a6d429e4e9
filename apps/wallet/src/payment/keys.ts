/**
 * Idempotency keys of requests that have no review: making an invoice, cancelling one, paying one
 * invoice, demo money. One key for one content, kept for this tab until the request is settled.
 */
import type { ReviewStorage } from "./reviewed.ts";

const PREFIX = "tideway-key-";

/** The key of this content in this slot; other content gets a new key. */
export function keyFor(
  storage: ReviewStorage,
  slot: string,
  content: string,
  newKey: () => string = () => crypto.randomUUID(),
): string {
  const [key, keptContent] = splitOnce(storage.getItem(PREFIX + slot) ?? "");
  if (key !== "" && keptContent === content) return key;
  const made = newKey();
  storage.setItem(PREFIX + slot, `${made}\n${content}`);
  return made;
}

/** Whether a key waits in this slot, which means that a request left and was not settled. */
export function hasKey(storage: ReviewStorage, slot: string): boolean {
  return storage.getItem(PREFIX + slot) !== null;
}

/** The request is settled: the next one is another one. */
export function dropKey(storage: ReviewStorage, slot: string): void {
  storage.removeItem(PREFIX + slot);
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf("\n");
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
