/**
 * Whether a repeated id asks for the transfer that exists. The service comes first: a stranger
 * learns that the id is taken and nothing else. The order after it is TigerBeetle's.
 */
import { present } from "@tideway/kernel";
import { isMove } from "./transfer.ts";
import type { Transfer, TransferCommand } from "./transfer.ts";

export type TransferField =
  | "service"
  | "kind"
  | "pending"
  | "timeoutSeconds"
  | "debit"
  | "credit"
  | "amount"
  | "reference"
  | "asset"
  | "code";

export interface SameInput {
  readonly existing: Transfer;
  readonly command: TransferCommand;
  readonly service: string;
  /** The hold that `existing` ended, from which left-out fields follow; null for post and hold. */
  readonly hold: Transfer | null;
}

/** The first field in which the command differs from the existing transfer, or null. */
export function differingField(input: SameInput): TransferField | null {
  const { existing, service } = input;
  const asked = askedOf(input);
  if (existing.service !== service) return "service";
  const fields = [
    "kind",
    "pending",
    "timeoutSeconds",
    "debit",
    "credit",
    "amount",
    "reference",
    "asset",
    "code",
  ] as const;
  return fields.find((field) => asked[field] !== existing[field]) ?? null;
}

type Asked = Pick<Transfer, Exclude<TransferField, "service">>;

function askedOf({ command, existing, hold }: SameInput): Asked {
  if (isMove(command)) return { ...command, pending: null };
  if (existing.pending === null) {
    // Another kind already tells them apart; the rest does not matter.
    return { ...existing, kind: command.kind };
  }
  const ended = present(hold, "A transfer that ended a hold is compared with that hold.");
  return {
    kind: command.kind,
    pending: command.pending,
    timeoutSeconds: null,
    debit: command.debit ?? ended.debit,
    credit: command.credit ?? ended.credit,
    amount: command.amount ?? ended.amount,
    reference: command.reference ?? ended.reference,
    asset: command.asset,
    code: command.code,
  };
}
