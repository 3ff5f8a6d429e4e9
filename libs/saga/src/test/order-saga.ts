/** The saga of the tests: a transaction, a hold, a call, the pivot, a confirmation, a transaction. */
import { Type } from "typebox";
import { defineSaga } from "../define-saga.ts";
import type { SagaContext, SagaDefinition } from "../define-saga.ts";

export const Order = Type.Object({
  order: Type.String(),
  /** For the steps `pay` and `pause` of version 2. */
  pauseMs: Type.Optional(Type.Number()),
});
interface OrderData {
  order: string;
  pauseMs?: number;
}

/** An advisory lock that the last step takes: a test that holds it stops the step within. */
export const CLOSE_LOCK = 4_711;

const post =
  (what: string) =>
  ({ data }: SagaContext<OrderData>) => ({
    service: what,
    method: "POST" as const,
    path: `/${what}/${data.order}`,
    body: { order: data.order },
  });
const undoOf =
  (what: string) =>
  ({ data }: SagaContext<OrderData>) => [
    { service: what, method: "POST" as const, path: `/undo-${what}/${data.order}` },
  ];

export function orderSaga(version = 1, deadlineMs = 20_000): SagaDefinition {
  return defineSaga({
    name: "order",
    version,
    input: Order,
    deadlineMs,
    steps: (on) => [
      on.tx("note", {
        run: async (t, { data }) => {
          await t.query("insert into orders (order_id, state) values ($1, 'new')", [data.order]);
          return { noted: data.order };
        },
        undo: (t, { data, reason }) =>
          t.query("update orders set state = $2, writes = writes + 1 where order_id = $1", [
            data.order,
            `undone ${reason?.code ?? ""}`,
          ]),
      }),
      on.reserve("stock", { request: post("stock"), undo: undoOf("stock") }),
      on.call("label", { request: post("label"), undo: undoOf("label") }),
      ...(version >= 2 ? [on.timer("pause", { waitMs: ({ data }) => data.pauseMs ?? 0 })] : []),
      ...(version >= 3 ? [on.signal("paid")] : []),
      on.pivot("ship", { request: post("ship") }),
      on.confirm("sell", { request: post("sell") }),
      on.tx("close", {
        run: async (t, { data }) => {
          await t.query("select pg_advisory_xact_lock_shared($1)", [CLOSE_LOCK]);
          await t.query(
            "update orders set state = 'closed', writes = writes + 1 where order_id = $1",
            [data.order],
          );
        },
        undo: "none",
      }),
    ],
  });
}
