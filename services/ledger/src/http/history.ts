import type { Handler } from "@tideway/http";
import { readEntries } from "../store/entries.ts";
import { actorOf } from "./actor.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { readableAccount } from "./read-account.ts";
import type { LedgerParts, Routes } from "./route-parts.ts";
import { wireEntry } from "./wire.ts";

const PAGE_SIZE_DEFAULT = 50;

export function historyRoute({ pool }: LedgerParts): Handler<Routes["history"]> {
  return async (request) => {
    const limit = request.query.limit ?? PAGE_SIZE_DEFAULT;
    const after = request.query.after === undefined ? null : decodeCursor(request.query.after);
    const account = await readableAccount(pool, actorOf(request), request.params.accountId);
    // One more than asked tells whether there is a next page.
    const found = await readEntries(pool, account.id, { after, limit: limit + 1 });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    const next = found.length > limit && last !== undefined ? encodeCursor(last) : null;
    return { items: page.map(wireEntry), next };
  };
}
