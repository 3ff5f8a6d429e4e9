/** Keys in trouble, from the table: it alone counts what is parked behind them. */
import type { Pool } from "@tideway/store";
import { toTimestamp } from "@tideway/kernel";
import type { KeyView } from "../config.ts";
import type { Writer } from "../delivery/flow-store.ts";
import { eventIdOf } from "../event-id.ts";
import { fencedOr } from "../ownership.ts";
import type { Page } from "./actions.ts";

export interface KeysQuery {
  readonly state: "retrying" | "quarantined" | null;
  /** `next` of the page before. */
  readonly after: string;
  readonly limit: number;
}

interface Row {
  readonly lane: string;
  readonly key: string;
  readonly state: string;
  readonly event_id: string;
  readonly type: string;
  readonly tries: number;
  readonly code: string;
  readonly detail: string;
  readonly revision: string;
  readonly since: Date;
  readonly next_try_at: Date | null;
  readonly waiting: number;
}

export async function listKeys(
  pool: Pool,
  group: string,
  { state, after, limit }: KeysQuery,
): Promise<Page<KeyView>> {
  const cursor = Buffer.from(after, "base64url").toString("utf8");
  const { rows } = await pool.query<Row>(
    `select l.replay || ' ' || l.lane as lane, l.key, l.state, l.event_id, l.type, l.tries, l.code,
       l.detail, l.revision, l.since, l.next_try_at,
       (select count(*)::int from parked as p where p."group" = l."group"
          and p.replay = l.replay and p.lane = l.lane) as waiting
     from lanes as l
     where l."group" = $1 and l.replay || ' ' || l.lane > $2
       and ($3::text is null or (l.state = 'quarantined') = ($3 = 'quarantined'))
     order by 1 limit $4`,
    [group, cursor, state, limit + 1],
  );
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1)?.lane : undefined;
  return {
    items: page.map((row) => toView(group, row)),
    next: last === undefined ? null : Buffer.from(last).toString("base64url"),
  };
}

/** Marks them for another round of tries; answers how many keys there are. */
export async function redriveInTable(
  { pool, fence }: Writer,
  group: string,
  key: string | null,
): Promise<number> {
  try {
    const { rowCount } = await pool.query(
      `update lanes set state = 'redriving', tries = 0, next_try_at = now()
       from check_fence($1)
       where "group" = $2
         and case when $3::text is null then state = 'quarantined' else key = $3 end`,
      [fence, group, key],
    );
    return rowCount ?? 0;
  } catch (error) {
    throw fencedOr(error, fence);
  }
}

function toView(group: string, row: Row): KeyView {
  return {
    group,
    key: row.key,
    state: row.state === "quarantined" ? "quarantined" : "retrying",
    eventId: eventIdOf(row.event_id),
    type: row.type,
    tries: row.tries,
    code: row.code,
    detail: row.detail,
    revision: row.revision,
    waiting: row.waiting,
    since: toTimestamp(row.since.getTime()),
    nextTryAt: row.next_try_at === null ? null : toTimestamp(row.next_try_at.getTime()),
  };
}
