/**
 * Whether a hold may be ended, and how. Only its creator may; no person is asked, as consent was
 * given when the money was reserved. What is not posted goes back at once.
 */
import { invariant, unreachable } from "@tideway/kernel";
import { assertSound, changed } from "./account.ts";
import type { Account } from "./account.ts";
import { nextMoment } from "./decide-move.ts";
import type { Decision } from "./decide-move.ts";
import type { Actor } from "./grants.ts";
import { refusal } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";
import { isExpired } from "./transfer.ts";
import type { HoldOutcome, ResolveCommand, Transfer } from "./transfer.ts";

export interface ResolutionInput {
  readonly command: ResolveCommand;
  readonly actor: Actor;
  readonly hold: Transfer;
  /** How the hold ended already, or null. */
  readonly outcome: HoldOutcome | null;
  readonly debit: Account;
  readonly credit: Account;
  readonly nowMicros: bigint;
}

/** Decides a post-hold or void-hold on the hold and its two accounts as they are now. */
export function decideResolution(input: ResolutionInput): Decision {
  const { command, actor, hold } = input;
  const atMicros = nextMoment(input.nowMicros, input.debit, input.credit);
  const refused =
    refusedByCaller(actor, hold) ??
    refusedByFields(command, hold) ??
    refusedByAmount(command, hold) ??
    refusedByOutcome(input, atMicros);
  if (refused !== null) return { kind: "refused", refusal: refused };
  const amount = command.amount ?? hold.amount;
  const posted = command.kind === "post-hold" ? amount : 0n;
  const debit = {
    ...changed(input.debit, { debitsPending: -hold.amount, debitsPosted: posted }),
    lastEntryAtMicros: atMicros,
  };
  const credit = {
    ...changed(input.credit, { creditsPending: -hold.amount, creditsPosted: posted }),
    lastEntryAtMicros: atMicros,
  };
  assertSound(debit);
  assertSound(credit);
  const transfer: Transfer = {
    ...hold,
    id: command.id,
    kind: command.kind,
    amount,
    pending: hold.id,
    timeoutSeconds: null,
    reference: command.reference ?? hold.reference,
    service: actor.service,
    revision: actor.revision,
    consentedBy: hold.consentedBy,
    atMicros,
  };
  const outcome = command.kind === "post-hold" ? "posted" : "voided";
  return { kind: "made", transfer, debit, credit, outcome };
}

/** Takes expired holds off an account's pending sums. `holds` are those with this account in them. */
export function withoutHolds(
  account: Account,
  holds: readonly Pick<Transfer, "debit" | "credit" | "amount">[],
): Account {
  const released = holds.reduce((rest, hold) => {
    const isDebit = hold.debit === account.id;
    invariant(isDebit || hold.credit === account.id, "A hold is released on its own accounts.");
    return changed(
      rest,
      isDebit ? { debitsPending: -hold.amount } : { creditsPending: -hold.amount },
    );
  }, account);
  assertSound(released);
  return released;
}

function refusedByCaller(actor: Actor, hold: Transfer): Refusal | null {
  return hold.service === actor.service
    ? null
    : refusal("PENDING_NOT_YOURS", { pending: hold.id, caller: actor.service });
}

function refusedByFields(command: ResolveCommand, hold: Transfer): Refusal | null {
  const field = (["debit", "credit", "asset", "code"] as const).find(
    (name) => command[name] !== null && command[name] !== hold[name],
  );
  return field === undefined ? null : refusal("PENDING_DIFFERENT", { pending: hold.id, field });
}

function refusedByAmount(command: ResolveCommand, hold: Transfer): Refusal | null {
  const { amount } = command;
  if (amount === null || amount === hold.amount) return null;
  if (amount > hold.amount) {
    return refusal("PENDING_AMOUNT_EXCEEDED", { pending: hold.id, amount: amount.toString() });
  }
  return command.kind === "post-hold"
    ? null
    : refusal("PENDING_DIFFERENT", { pending: hold.id, field: "amount" });
}

function refusedByOutcome({ hold, outcome }: ResolutionInput, atMicros: bigint): Refusal | null {
  const pending = hold.id;
  switch (outcome) {
    case "posted":
      return refusal("PENDING_ALREADY_POSTED", { pending });
    case "voided":
      return refusal("PENDING_ALREADY_VOIDED", { pending });
    case "expired":
      return refusal("PENDING_EXPIRED", { pending });
    case null:
      return isExpired(hold, atMicros) ? refusal("PENDING_EXPIRED", { pending }) : null;
    default:
      return unreachable(outcome);
  }
}
