/** Why the domain says no: a code of the ledger's catalogue and what was given. */
import type { Given } from "@tideway/kernel";

export type RefusalCode =
  | "ACCOUNT_NOT_FOUND"
  | "ACCOUNTS_SAME"
  | "ASSET_MISMATCH"
  | "BALANCE_OVERFLOW"
  | "CONSENT_MISSING"
  | "CREDIT_LIMIT"
  | "FUNDS_INSUFFICIENT"
  | "GRANT_MISSING"
  | "PENDING_ALREADY_POSTED"
  | "PENDING_ALREADY_VOIDED"
  | "PENDING_AMOUNT_EXCEEDED"
  | "PENDING_DIFFERENT"
  | "PENDING_EXPIRED"
  | "PENDING_NOT_FOUND"
  | "PENDING_NOT_YOURS"
  | "TRANSFER_EXISTS_DIFFERENT"
  | "TRANSFER_ID_BURNED";

export interface Refusal {
  readonly code: RefusalCode;
  readonly given: Given;
}

export function refusal(code: RefusalCode, given: Given = {}): Refusal {
  return { code, given };
}

/**
 * Whether the refusal uses the id up. These depend on the balance of the moment: without burning,
 * a late duplicate could move money that its caller believes has not moved.
 */
export function burnsId(refused: Refusal): boolean {
  return refused.code === "FUNDS_INSUFFICIENT" || refused.code === "CREDIT_LIMIT";
}

/** Whether holds that are over, but not swept yet, may be the reason. */
export function mayComeFromHolds(refused: Refusal): boolean {
  return burnsId(refused) || refused.code === "BALANCE_OVERFLOW";
}
