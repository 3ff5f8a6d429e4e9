/** The demo money of a day, as a saga: a transfer for each asset, the first one being the pivot. */
import { IdOf } from "@tideway/schema";
import { defineSaga } from "@tideway/saga";
import type { SagaDefinition } from "@tideway/saga";
import { present } from "@tideway/kernel";
import { Type } from "typebox";
import type { Static } from "typebox";
import { TransferOrder } from "../remote/ledger.ts";
import type { Ledger } from "../remote/ledger.ts";
import { finishTopUp } from "../store/top-ups.ts";
import { transferStep } from "./transfer-step.ts";

export const TOP_UP_SAGA = { name: "top-up", version: 1 } as const;

export const TopUpData = Type.Object({
  person: IdOf("per"),
  /** In UTC, 2026-01-31. */
  day: Type.String(),
  orders: Type.Array(TransferOrder, { minItems: 2, maxItems: 2 }),
});
export type TopUpData = Static<typeof TopUpData>;

export function topUpSaga(ledger: Ledger): SagaDefinition {
  const orderAt =
    (at: number) =>
    ({ orders }: TopUpData): TransferOrder =>
      present(orders[at], "The schema asks for two.");
  return defineSaga({
    ...TOP_UP_SAGA,
    input: TopUpData,
    steps: (on) => [
      on.pivot("give-first", transferStep(ledger, orderAt(0))),
      // Behind the pivot it is asked for until it is made.
      on.call("give-second", { ...transferStep(ledger, orderAt(1)), undo: "none" }),
      on.tx("finish", {
        run: (t, { data }) => finishTopUp(t, data.person, data.day),
        undo: "none",
      }),
    ],
  });
}
