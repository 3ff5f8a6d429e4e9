/**
 * What a person has reviewed and may be paying, kept for this tab: the idempotency key is made once
 * with it and lives through retries and reloads, so that a payment is asked for under one key only.
 */
import type { WireMoney } from "@tideway/kernel";

export interface Recipient {
  readonly person: string;
  readonly name: string;
  /** What the payer typed, shown at the review. */
  readonly email: string;
}

export interface Reviewed {
  /** The Idempotency-Key of every try. */
  readonly key: string;
  /** Who reviewed it; nobody else may send it. */
  readonly person: string;
  readonly recipient: Recipient;
  readonly money: WireMoney;
  readonly note: string;
  /** `asked` once the first try left: from then on it may have been carried out. */
  readonly phase: "review" | "asked";
}

export type ReviewStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const SLOT = "tideway-reviewed-send";

/** The person's reviewed payment, or null; what cannot be read is as good as none. */
export function readReviewed(storage: ReviewStorage, person: string): Reviewed | null {
  const reviewed = parseReviewed(storage.getItem(SLOT));
  return reviewed?.person === person ? reviewed : null;
}

/**
 * Keeps a payment for review. The same content keeps the key it has; other content gets a new one.
 * A payment that was asked for is not replaced: what became of it must be known first.
 */
export function keepReviewed(
  storage: ReviewStorage,
  draft: Omit<Reviewed, "key" | "phase">,
  newKey: () => string = () => crypto.randomUUID(),
): Reviewed {
  const kept = readReviewed(storage, draft.person);
  if (kept !== null && (kept.phase === "asked" || sameContent(kept, draft))) return kept;
  const reviewed: Reviewed = { ...draft, key: newKey(), phase: "review" };
  storage.setItem(SLOT, JSON.stringify(reviewed));
  return reviewed;
}

/** Written before the first try leaves, so that a reload in the middle still knows the key. */
export function markAsked(storage: ReviewStorage, reviewed: Reviewed): Reviewed {
  const asked: Reviewed = { ...reviewed, phase: "asked" };
  storage.setItem(SLOT, JSON.stringify(asked));
  return asked;
}

/** After an answer that is no answer to this key (not now): it may be changed or sent again. */
export function markNotCarriedOut(storage: ReviewStorage, reviewed: Reviewed): void {
  storage.setItem(SLOT, JSON.stringify({ ...reviewed, phase: "review" }));
}

/** Done, or refused for good: the key is used up. */
export function dropReviewed(storage: ReviewStorage): void {
  storage.removeItem(SLOT);
}

function sameContent(kept: Reviewed, draft: Omit<Reviewed, "key" | "phase">): boolean {
  return (
    kept.recipient.person === draft.recipient.person &&
    kept.money.amount === draft.money.amount &&
    kept.money.asset === draft.money.asset &&
    kept.note === draft.note
  );
}

function parseReviewed(text: string | null): Reviewed | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isReviewed(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isReviewed(value: unknown): value is Reviewed {
  const texts = ["key", "person", "note", "phase"];
  if (!hasTexts(value, texts)) return false;
  return (
    hasTexts(Reflect.get(value, "recipient"), ["person", "name", "email"]) &&
    hasTexts(Reflect.get(value, "money"), ["amount", "asset"])
  );
}

function hasTexts(value: unknown, names: readonly string[]): value is object {
  if (typeof value !== "object" || value === null) return false;
  return names.every((name) => typeof Reflect.get(value, name) === "string");
}
