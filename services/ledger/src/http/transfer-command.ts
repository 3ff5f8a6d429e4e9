/** The command that a request's body spells: which fields each kind needs, and which it has not. */
import type { ledgerApi } from "@tideway/api-ledger";
import { commonErrors, parseMinor, unreachable } from "@tideway/kernel";
import type { BodyOf } from "@tideway/schema";
import type { MoveCommand, ResolveCommand, TransferCommand } from "../domain/transfer.ts";

export type TransferBody = BodyOf<(typeof ledgerApi)["routes"]["postTransfer"]>;

/** Reads the body. Throws BODY_INVALID for a field that the kind lacks, AMOUNT_INVALID. */
export function transferCommand(body: TransferBody): TransferCommand {
  switch (body.kind) {
    case "post":
    case "hold":
      return moveCommand(body, body.kind);
    case "post-hold":
    case "void-hold":
      return resolveCommand(body, body.kind);
    default:
      return unreachable(body.kind);
  }
}

function moveCommand(body: TransferBody, kind: MoveCommand["kind"]): MoveCommand {
  if (body.pending !== undefined) throw invalid("pending", `is not a field of ${kind}`);
  if (kind === "post" && body.timeoutSeconds !== undefined) {
    throw invalid("timeoutSeconds", "is a field of hold only");
  }
  return {
    ...commonOf(body),
    kind,
    debit: needed(body, "debit"),
    credit: needed(body, "credit"),
    amount: parseMinor(needed(body, "amount")),
    timeoutSeconds: body.timeoutSeconds ?? null,
  };
}

function resolveCommand(body: TransferBody, kind: ResolveCommand["kind"]): ResolveCommand {
  if (body.timeoutSeconds !== undefined) throw invalid("timeoutSeconds", "is a field of hold only");
  const pending = needed(body, "pending");
  if (pending === body.transfer) throw invalid("pending", "is the transfer's own id");
  return {
    ...commonOf(body),
    kind,
    pending,
    debit: body.debit ?? null,
    credit: body.credit ?? null,
    amount: body.amount === undefined ? null : parseMinor(body.amount),
  };
}

function commonOf({ transfer, asset, code, reference }: TransferBody) {
  return { id: transfer, asset, code, reference: reference ?? null };
}

function needed(body: TransferBody, field: "debit" | "credit" | "amount" | "pending"): string {
  const value = body[field];
  if (value === undefined) throw invalid(field, `is needed for ${body.kind}`);
  return value;
}

function invalid(field: string, problem: string): Error {
  return commonErrors.error("BODY_INVALID", { given: { path: `body/${field}`, problem } });
}
