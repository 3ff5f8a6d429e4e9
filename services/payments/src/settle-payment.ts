/**
 * Carries a payment out, exactly once, by its saga. Whatever dies in between, whoever comes next (a
 * retry with the same key, another instance, the background) finds the saga, asks for the same
 * transfer and gets the same answer: the ledger makes an id once or never.
 */
import { commonErrors, present } from "@tideway/kernel";
import { sagaIdOf } from "@tideway/saga";
import type { SagaView } from "@tideway/saga";
import { tx } from "@tideway/store";
import type { Transaction } from "@tideway/store";
import type { Dependencies } from "./dependencies.ts";
import { failureError } from "./domain/failure.ts";
import { PAYMENT_SAGA, paymentData } from "./sagas/payment-saga.ts";
import { readPayment } from "./store/payments.ts";
import type { PaymentRow } from "./store/payments.ts";

/** A payment that is written down; not new when a duplicate of the request wrote it. */
export interface Begun {
  readonly row: PaymentRow;
  readonly isNew: boolean;
}

/** The request's own deadline comes before that. */
const WAIT_MS_MAX = 30_000;

/** Starts the saga of a pending payment in the transaction that wrote it, or finds it. */
export async function startPayment(
  { sagas }: Pick<Dependencies, "sagas">,
  t: Transaction,
  row: PaymentRow,
  options: { readonly isNew: boolean; readonly attended: boolean },
): Promise<void> {
  const data = await paymentData(row);
  await sagas.start(t, PAYMENT_SAGA.name, { key: row.payment, data, ...options });
}

/** The paid payment. Throws its failure, or UPSTREAM_UNAVAILABLE while nobody knows. */
export async function settlePayment(deps: Dependencies, row: PaymentRow): Promise<PaymentRow> {
  const { payment } = row;
  if (row.status.state === "failed") throw failureError(row.status.failure);
  if (row.status.state === "paid") return row;
  const view = await deps.sagas.run(await sagaIdOf(PAYMENT_SAGA.name, payment), WAIT_MS_MAX);
  if (!view.isOver) throw notKnown(view);
  const finishedAtMs = finishedAt(view);
  if (finishedAtMs !== null) return { ...row, status: { state: "paid" }, finishedAtMs };
  const done = present(await readPayment(deps.pool, payment), "Payments are never deleted.");
  if (done.status.state === "failed") throw failureError(done.status.failure);
  return done;
}

/** As `settlePayment`, for a payment that may have been begun without a saga. */
export async function settleAgain(deps: Dependencies, row: PaymentRow): Promise<PaymentRow> {
  if (row.status.state === "pending") {
    await tx(deps.pool, (t) => startPayment(deps, t, row, { isNew: false, attended: true }));
  }
  return settlePayment(deps, row);
}

/** What the step `finish` answered. */
function finishedAt({ state, results }: SagaView): number | null {
  const { finish } = results;
  if (state !== "completed" || typeof finish !== "object" || finish === null) return null;
  const ms: unknown = Reflect.get(finish, "finishedAtMs");
  return typeof ms === "number" ? ms : null;
}

/**
 * Nobody knows yet; anything but an answer that did not come, or a database that was too busy to
 * write it down, is a mistake of ours.
 */
export function notKnown({ problem }: SagaView): Error {
  const code = problem?.code ?? "UPSTREAM_UNAVAILABLE";
  if (code === "OVERLOADED") return commonErrors.error(code, { given: { service: "payments" } });
  if (code === "UPSTREAM_UNAVAILABLE") {
    return commonErrors.error(code, { given: { service: "ledger" } });
  }
  return new Error(`The payment's saga could not go on as it was asked to: ${code}.`);
}
