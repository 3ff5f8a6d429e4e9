/** Transfers as they are kept, and the commands that ask for them. */
import { secondsLater } from "./moment.ts";

export type TransferKind = "post" | "hold" | "post-hold" | "void-hold";
export type HoldOutcome = "posted" | "voided" | "expired";
export type TransferState = "posted" | "open" | "voided" | "expired";

export interface Transfer {
  readonly id: string;
  readonly kind: TransferKind;
  readonly debit: string;
  readonly credit: string;
  /** Minor units. Of a void-hold: what is released. */
  readonly amount: bigint;
  readonly asset: string;
  readonly scale: number;
  readonly code: string;
  /** The hold that a post-hold or void-hold ends. */
  readonly pending: string | null;
  readonly timeoutSeconds: number | null;
  readonly reference: string | null;
  /** The service that made it, and its revision. */
  readonly service: string;
  readonly revision: string;
  /** The person whose token allowed the debit, where one was needed. */
  readonly consentedBy: string | null;
  readonly atMicros: bigint;
}

interface CommandBase {
  readonly id: string;
  readonly asset: string;
  readonly code: string;
  readonly reference: string | null;
}

/** Moves money now, or reserves it. */
export interface MoveCommand extends CommandBase {
  readonly kind: "post" | "hold";
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
  /** Null: the hold ends only when its service ends it. */
  readonly timeoutSeconds: number | null;
}

/** Ends a hold. Null fields follow from the hold. */
export interface ResolveCommand extends CommandBase {
  readonly kind: "post-hold" | "void-hold";
  readonly pending: string;
  readonly debit: string | null;
  readonly credit: string | null;
  readonly amount: bigint | null;
}

export type TransferCommand = MoveCommand | ResolveCommand;

/** Whether the command moves or reserves money, rather than ending a hold. */
export function isMove(command: TransferCommand): command is MoveCommand {
  return command.kind === "post" || command.kind === "hold";
}

/** When a hold ends by itself, or null. */
export function expiryOf(hold: Pick<Transfer, "atMicros" | "timeoutSeconds">): bigint | null {
  return hold.timeoutSeconds === null ? null : secondsLater(hold.atMicros, hold.timeoutSeconds);
}

/** A hold is over at the very microsecond it expires, whether or not it was swept yet. */
export function isExpired(
  hold: Pick<Transfer, "atMicros" | "timeoutSeconds">,
  nowMicros: bigint,
): boolean {
  const expiry = expiryOf(hold);
  return expiry !== null && expiry <= nowMicros;
}

/** The state as told to callers: of a hold how it stands, of everything else "posted". */
export function stateOf(
  transfer: Transfer,
  outcome: HoldOutcome | null,
  nowMicros: bigint,
): TransferState {
  if (transfer.kind !== "hold") return "posted";
  if (outcome !== null) return outcome;
  return isExpired(transfer, nowMicros) ? "expired" : "open";
}
