import { personOf } from "@tideway/http";
import type { Handler } from "@tideway/http";
import type { Dependencies, Routes } from "../dependencies.ts";
import { pageOf, parseCursor } from "../store/cursor.ts";
import { listPayments } from "../store/payments.ts";
import { viewPayments } from "../views.ts";

const LIMIT_DEFAULT = 50;

export function payments(deps: Dependencies): Handler<Routes["payments"]> {
  return async (request) => {
    const limit = request.query.limit ?? LIMIT_DEFAULT;
    const after = parseCursor(request.query.after);
    const options = { person: personOf(request), after, limit: limit + 1 };
    const rows = await listPayments(deps.pool, options);
    const page = pageOf(rows, limit, (row) => row.position);
    return { items: await viewPayments(deps, page.items), next: page.next };
  };
}
