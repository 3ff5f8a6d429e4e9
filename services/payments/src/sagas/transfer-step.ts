/** The step of both sagas that moves money: a transfer whose id the ledger uses once or never. */
import { problemOf } from "@tideway/saga";
import type { Outcome, RequestDraft, SagaContext } from "@tideway/saga";
import { Value } from "typebox/value";
import type { TransferOutcome } from "../domain/payment.ts";
import { TransferOrder } from "../remote/ledger.ts";
import type { Ledger } from "../remote/ledger.ts";
import { unavailableOr } from "../remote/unavailable.ts";

/** What was asked of the ledger in vain, and why it is not known yet whether it happened. */
const NOT_MADE_YET: Outcome = {
  kind: "busy",
  problem: { code: "UPSTREAM_UNAVAILABLE", detail: "The transfer was not made yet." },
};

export interface TransferStep<D> {
  readonly request: (context: SagaContext<D>) => RequestDraft;
  readonly send: (request: { readonly body: unknown }) => Promise<void>;
  /** The ledger burns the id of a transfer that it refuses for good. */
  readonly refusalsHold: true;
  readonly outcomeOf: (error: unknown, context: SagaContext<D>) => Promise<Outcome>;
}

/** Asks the ledger for the transfer that `orderOf` finds in the saga's data. */
export function transferStep<D>(
  ledger: Ledger,
  orderOf: (data: D) => TransferOrder,
): TransferStep<D> {
  return {
    request: ({ data }) => ({
      service: "ledger",
      method: "POST",
      path: "/transfers",
      body: orderOf(data),
    }),
    send: ({ body }) => ledger.post(Value.Parse(TransferOrder, body)),
    refusalsHold: true,
    outcomeOf: async (error, { data }) => {
      const outcome = await ledger.readRefusal(error, orderOf(data));
      return outcome === null ? unknown(error) : read(outcome);
    },
  };
}

/** What the ledger says of a transfer, for whoever cannot ask for it again. */
export async function askLedger(
  ledger: Ledger,
  order: TransferOrder,
  { final }: { readonly final: boolean },
): Promise<Outcome> {
  const outcome = await ledger.settle(order, { final });
  return outcome === null ? NOT_MADE_YET : read(outcome);
}

function read(outcome: TransferOutcome): Outcome {
  if (outcome.kind === "moved") return { kind: "done", result: null };
  const problem = { code: outcome.failure, detail: "The ledger will never make this transfer." };
  return { kind: "refused", problem };
}

/** A refusal that is a mistake of ours says nothing about the money: the id is still free. */
function unknown(error: unknown): Outcome {
  return { kind: "unknown", problem: problemOf(unavailableOr("ledger", error)) };
}
