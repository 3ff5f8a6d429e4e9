/**
 * One transfer is one transaction:
 *
 *   lock the id ─> known? answer it ─> burned? refuse ─> lock both accounts in the order of ids
 *     ─> decide (pure) ─> write transfer, hold's end, sums, event ─> read back ─> commit
 *
 * A refusal that uses the id up commits the burned id before it is told. Expired holds that were
 * not swept yet still count in the written sums; that can only refuse too much, never too little.
 * So they are looked at when a limit refuses: if the decision differs without them, they are
 * released in a transaction of their own (they lock other accounts) and the transfer starts again.
 */
import { commonErrors, invariant, present } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Pool, Transaction } from "@tideway/store";
import type { Account } from "../domain/account.ts";
import { decideMove } from "../domain/decide-move.ts";
import type { Decision, Made } from "../domain/decide-move.ts";
import { decideResolution, withoutHolds } from "../domain/decide-resolution.ts";
import { mayUseCode } from "../domain/grants.ts";
import type { Actor } from "../domain/grants.ts";
import { burnsId, mayComeFromHolds, refusal } from "../domain/refusal.ts";
import type { Refusal } from "../domain/refusal.ts";
import { differingField } from "../domain/same-transfer.ts";
import { isMove } from "../domain/transfer.ts";
import type { MoveCommand, ResolveCommand, TransferCommand } from "../domain/transfer.ts";
import { transferPosted } from "../events/transfer-posted.ts";
import type { PublishLedgerEvents } from "../events/transfer-posted.ts";
import { lockAccounts } from "./accounts.ts";
import { insertBurnedId, readBurnedId } from "./burned-ids.ts";
import { readExpiredOf } from "./holds.ts";
import { releaseExpiredHoldsOf } from "./release-holds.ts";
import { lockTransferId, readClock, readTransfer } from "./transfers.ts";
import type { StoredTransfer } from "./transfers.ts";
import { writeMade } from "./write-made.ts";

/** Each attempt but the last releases up to 100 expired holds that stood in the way. */
const ATTEMPTS_MAX = 20;

export type TransferResult =
  | { readonly kind: "made" | "known"; readonly stored: StoredTransfer }
  | { readonly kind: "refused"; readonly refusal: Refusal };

type Attempt = TransferResult | { readonly kind: "blocked"; readonly accounts: readonly string[] };

export interface TransferParts {
  readonly pool: Pool;
  readonly publish: PublishLedgerEvents;
}

/** Makes the transfer, answers the one that exists, or says why not. OVERLOADED when it cannot tell. */
export async function makeTransfer(
  { pool, publish }: TransferParts,
  command: TransferCommand,
  actor: Actor,
): Promise<TransferResult> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const done = await tx(pool, (transaction) =>
      attemptTransfer({ transaction, publish, actor }, command),
    );
    if (done.kind !== "blocked") return done;
    await releaseExpiredHoldsOf(pool, done.accounts);
  }
  throw commonErrors.error("OVERLOADED", { given: { service: "ledger" } });
}

interface Attempting {
  readonly transaction: Transaction;
  readonly publish: PublishLedgerEvents;
  readonly actor: Actor;
}

async function attemptTransfer(parts: Attempting, command: TransferCommand): Promise<Attempt> {
  const { transaction, actor } = parts;
  // Sent in one go, run in this order: what is read is read under the lock. No account yet, or a
  // repeat would wait for what others do with it, and who has no grant could make others wait.
  const [, existing, burned] = await Promise.all([
    lockTransferId(transaction, command.id),
    readTransfer(transaction, command.id),
    readBurnedId(transaction, command.id),
  ]);
  if (existing !== undefined) return sameOrRefused(transaction, existing, command, actor);
  if (burned !== undefined) {
    const isOwn = burned.service === actor.service;
    const original = isOwn ? { ...burned.given, reason: burned.reason } : {};
    return refused("TRANSFER_ID_BURNED", { ...original, transfer: command.id });
  }
  return isMove(command) ? attemptMove(parts, command) : attemptResolution(parts, command);
}

interface Subject {
  readonly accounts: ReadonlyMap<string, Account>;
  /** The database's clock after the locks were there. */
  readonly nowMicros: bigint;
}

async function lockSubject(
  transaction: Transaction,
  accounts: readonly [string, string],
): Promise<Subject> {
  const [locked, nowMicros] = await Promise.all([
    lockAccounts(transaction, accounts),
    readClock(transaction),
  ]);
  return { accounts: locked, nowMicros };
}

async function sameOrRefused(
  transaction: Transaction,
  existing: StoredTransfer,
  command: TransferCommand,
  actor: Actor,
): Promise<Attempt> {
  const { transfer } = existing;
  const hold =
    transfer.pending === null ? undefined : await readTransfer(transaction, transfer.pending);
  const field = differingField({
    existing: transfer,
    command,
    service: actor.service,
    hold: hold?.transfer ?? null,
  });
  if (field === null) return { kind: "known", stored: existing };
  return refused("TRANSFER_EXISTS_DIFFERENT", { transfer: command.id, field });
}

async function attemptMove(parts: Attempting, command: MoveCommand): Promise<Attempt> {
  const { transaction, actor } = parts;
  const operation = command.kind === "post" ? "transfer" : "hold";
  if (!mayUseCode(actor, command.code, [operation])) {
    const wanted = `${operation} as ${command.code}`;
    return refused("GRANT_MISSING", {
      caller: actor.service,
      operation,
      code: command.code,
      wanted,
    });
  }
  if (command.debit === command.credit) {
    return refused("ACCOUNTS_SAME", { account: command.debit });
  }
  const { accounts, nowMicros } = await lockSubject(transaction, [command.debit, command.credit]);
  const missing = [command.debit, command.credit].find((account) => !accounts.has(account));
  if (missing !== undefined) return refused("ACCOUNT_NOT_FOUND", { account: missing });
  const debit = accountIn(accounts, command.debit);
  const credit = accountIn(accounts, command.credit);
  const decision = decideMove({ command, actor, debit, credit, nowMicros });
  if (decision.kind === "made") return made(parts, decision);
  if (!mayComeFromHolds(decision.refusal)) return decision;
  const exact = decideMove({
    command,
    actor,
    nowMicros,
    debit: withoutHolds(debit, await readExpiredOf(transaction, debit.id, nowMicros)),
    credit: withoutHolds(credit, await readExpiredOf(transaction, credit.id, nowMicros)),
  });
  if (exact.kind === "made") return { kind: "blocked", accounts: [debit.id, credit.id] };
  return burn(transaction, command.id, exact.refusal, actor);
}

async function attemptResolution(parts: Attempting, command: ResolveCommand): Promise<Attempt> {
  const { transaction, actor } = parts;
  const named = await readTransfer(transaction, command.pending);
  if (named === undefined || named.transfer.kind !== "hold") {
    return refused("PENDING_NOT_FOUND", { pending: command.pending });
  }
  const { debit, credit } = named.transfer;
  // Every end of a hold is written under its accounts' locks, so only then its outcome is final.
  const [{ accounts, nowMicros }, again] = await Promise.all([
    lockSubject(transaction, [debit, credit]),
    readTransfer(transaction, command.pending),
  ]);
  const held = present(again, "Transfers never vanish.");
  const decision: Decision = decideResolution({
    command,
    actor,
    hold: held.transfer,
    outcome: held.outcome,
    debit: accountIn(accounts, debit),
    credit: accountIn(accounts, credit),
    nowMicros,
  });
  return decision.kind === "made" ? made(parts, decision) : decision;
}

async function made({ transaction, publish }: Attempting, decision: Made): Promise<TransferResult> {
  const [transfer] = await Promise.all([
    writeMade(transaction, decision),
    // Last of all, as it holds the key; the account's row is locked already in any case.
    publish(transaction, "transferPosted", transferPosted(decision.transfer)),
  ]);
  const { debit, credit } = decision;
  invariant(
    debit.asset === credit.asset && debit.asset === transfer.asset,
    "A transfer stays within one asset.",
  );
  const stored = {
    transfer,
    outcome: null,
    debitCode: debit.code,
    creditCode: credit.code,
    nowMicros: transfer.atMicros,
  };
  return { kind: "made", stored };
}

async function burn(
  transaction: Transaction,
  transfer: string,
  refused: Refusal,
  actor: Actor,
): Promise<TransferResult> {
  if (burnsId(refused)) {
    const { code: reason, given } = refused;
    await insertBurnedId(transaction, transfer, { service: actor.service, reason, given });
  }
  return { kind: "refused", refusal: refused };
}

function refused(...args: Parameters<typeof refusal>): TransferResult {
  return { kind: "refused", refusal: refusal(...args) };
}

function accountIn(accounts: ReadonlyMap<string, Account>, account: string): Account {
  return present(accounts.get(account), `Account ${account} is named by a row that refers to it.`);
}
