import { personOf } from "@tideway/http";
import type { Handler } from "@tideway/http";
import type { Dependencies, Routes } from "../dependencies.ts";
import { pageOf, parseCursor } from "../store/cursor.ts";
import { listInvoices } from "../store/invoices.ts";
import { viewInvoices } from "../views.ts";

const LIMIT_DEFAULT = 50;

export function invoices(deps: Dependencies): Handler<Routes["invoices"]> {
  return async (request) => {
    const limit = request.query.limit ?? LIMIT_DEFAULT;
    const after = parseCursor(request.query.after);
    const options = { payee: personOf(request), after, limit: limit + 1 };
    const rows = await listInvoices(deps.pool, options);
    const page = pageOf(rows, limit, (row) => row.position);
    return { items: await viewInvoices(deps, page.items), next: page.next };
  };
}
