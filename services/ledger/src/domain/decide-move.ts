/**
 * Whether money may move, or be reserved, and what the two accounts are afterwards. Of several
 * reasons to refuse the first in this order is told: grant, consent, asset, overflow, debit's
 * limit, credit's limit. (The order of the money checks is TigerBeetle's.)
 */
import { AMOUNT_MAX, invariant } from "@tideway/kernel";
import { assertSound, availableOf, changed } from "./account.ts";
import type { Account } from "./account.ts";
import { chartEntry } from "./chart.ts";
import { mayMove } from "./grants.ts";
import type { Actor, Movement } from "./grants.ts";
import { refusal } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";
import type { HoldOutcome, MoveCommand, Transfer } from "./transfer.ts";

export interface Made {
  readonly kind: "made";
  readonly transfer: Transfer;
  /** The accounts as they are to be written. */
  readonly debit: Account;
  readonly credit: Account;
  /** How the hold named by `transfer.pending` ends; null for post and hold. */
  readonly outcome: HoldOutcome | null;
}

export interface Refused {
  readonly kind: "refused";
  readonly refusal: Refusal;
}

export type Decision = Made | Refused;

export interface MoveInput {
  readonly command: MoveCommand;
  readonly actor: Actor;
  readonly debit: Account;
  readonly credit: Account;
  readonly nowMicros: bigint;
}

/** Decides a post or a hold on the two accounts as they are now. */
export function decideMove(input: MoveInput): Decision {
  const refused =
    refusedByGrants(input) ??
    refusedByAssets(input) ??
    refusedBySize(input) ??
    refusedByLimits(input);
  if (refused !== null) return { kind: "refused", refusal: refused };
  const { command, actor } = input;
  const atMicros = nextMoment(input.nowMicros, input.debit, input.credit);
  const debit = { ...changed(input.debit, debitOf(command)), lastEntryAtMicros: atMicros };
  const credit = { ...changed(input.credit, creditOf(command)), lastEntryAtMicros: atMicros };
  assertSound(debit);
  assertSound(credit);
  const transfer: Transfer = {
    id: command.id,
    kind: command.kind,
    debit: debit.id,
    credit: credit.id,
    amount: command.amount,
    asset: command.asset,
    scale: debit.scale,
    code: command.code,
    pending: null,
    timeoutSeconds: command.timeoutSeconds,
    reference: command.reference,
    service: actor.service,
    revision: actor.revision,
    consentedBy: chartEntry(debit.code)?.debitNeedsConsent === true ? actor.person : null,
    atMicros,
  };
  return { kind: "made", transfer, debit, credit, outcome: null };
}

/** The time of a new entry: later than every entry of both accounts, also when the clock jumps back. */
export function nextMoment(nowMicros: bigint, ...accounts: readonly Account[]): bigint {
  return accounts.reduce(
    (moment, { lastEntryAtMicros: last }) => (last !== null && last >= moment ? last + 1n : moment),
    nowMicros,
  );
}

function refusedByGrants({ command, actor, debit, credit }: MoveInput): Refusal | null {
  const movement: Movement = {
    operation: command.kind === "post" ? "transfer" : "hold",
    debit: debit.code,
    credit: credit.code,
    code: command.code,
  };
  if (!mayMove(actor, movement)) return missingMoveGrant(actor, movement);
  const needsConsent = chartEntry(debit.code)?.debitNeedsConsent === true;
  if (needsConsent && (actor.person === null || actor.person !== debit.owner)) {
    return refusal("CONSENT_MISSING", { account: debit.id });
  }
  return null;
}

function missingMoveGrant(actor: Actor, movement: Movement): Refusal {
  const { operation, debit, credit, code } = movement;
  return refusal("GRANT_MISSING", {
    ...movement,
    caller: actor.service,
    wanted: `${operation} ${debit} -> ${credit} as ${code}`,
  });
}

function refusedByAssets({ command, debit, credit }: MoveInput): Refusal | null {
  if (debit.asset === credit.asset && debit.asset === command.asset) return null;
  return refusal("ASSET_MISMATCH", {
    debit: debit.asset,
    credit: credit.asset,
    transfer: command.asset,
  });
}

/** A hold counts in full, so that posting it later can never overflow. */
function refusedBySize({ command, debit, credit }: MoveInput): Refusal | null {
  const { amount } = command;
  invariant(amount >= 0n && amount <= AMOUNT_MAX, "Amounts are checked when they are parsed.");
  const sides = [
    { account: debit, side: "debit", sum: debit.debitsPosted + debit.debitsPending },
    { account: credit, side: "credit", sum: credit.creditsPosted + credit.creditsPending },
  ];
  const full = sides.find(({ sum }) => sum + amount > AMOUNT_MAX);
  if (full === undefined) return null;
  return refusal("BALANCE_OVERFLOW", {
    account: full.account.id,
    side: full.side,
    amount: amount.toString(),
  });
}

function refusedByLimits({ command, debit, credit }: MoveInput): Refusal | null {
  const taken = [
    { account: debit, side: "credit", code: "FUNDS_INSUFFICIENT" },
    { account: credit, side: "debit", code: "CREDIT_LIMIT" },
  ] as const;
  for (const { account, side, code } of taken) {
    const shrinks = account.normalSide === side;
    if (account.limited && shrinks && command.amount > availableOf(account)) {
      return refusal(code, {
        account: account.id,
        available: availableOf(account).toString(),
        amount: command.amount.toString(),
      });
    }
  }
  return null;
}

function debitOf({ kind, amount }: MoveCommand) {
  return kind === "post" ? { debitsPosted: amount } : { debitsPending: amount };
}

function creditOf({ kind, amount }: MoveCommand) {
  return kind === "post" ? { creditsPosted: amount } : { creditsPending: amount };
}
