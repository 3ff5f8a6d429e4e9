/**
 * What waits of a group and is not in memory: events of its keys in trouble, in their table, and
 * what of the log was not read yet. Each count looks at 100,000 rows at most and says so.
 */
import type { Pool } from "@tideway/store";
import type { Carrier } from "../carrier.ts";
import type { Flow } from "../delivery/flow-driver.ts";
import type { PartitionState } from "../machine/delivery-types.ts";

export const COUNTED_ROWS_MAX = 100_000;

export interface Waiting {
  readonly parked: number;
  /** Milliseconds since 1970; null when nothing is parked. */
  readonly parkedSinceMs: number | null;
  /** Events of the group's types between what was read and the log's end. */
  readonly unread: number;
  readonly isApproximate: boolean;
}

/** Counts for these flows, by group. */
export async function countWaiting(
  pool: Pool,
  carrier: Pick<Carrier, "countTypes">,
  flows: readonly Flow[],
): Promise<ReadonlyMap<string, Waiting>> {
  const parked = await countParked(
    pool,
    flows.map(({ name }) => name.group),
  );
  const counted = await Promise.all(
    flows.map(async (flow) => {
      const { group } = flow.name;
      const unread = await countUnread(carrier, flow);
      const { events = 0, sinceMs = null } = parked.get(group) ?? {};
      const waiting: Waiting = {
        parked: Math.min(events, COUNTED_ROWS_MAX),
        parkedSinceMs: sinceMs,
        unread: unread.events,
        isApproximate: unread.isApproximate || events > COUNTED_ROWS_MAX,
      };
      return [group, waiting] as const;
    }),
  );
  return new Map(counted);
}

/** The part of the log that was not read yet; empty when it ends where it begins. */
export function unreadOf({ readTo, resume, head }: PartitionState): {
  readonly after: number;
  readonly upTo: number;
} {
  const after = Math.max(readTo, resume?.upTo ?? 0);
  return { after, upTo: Math.max(after, head) };
}

interface Parked {
  readonly events: number;
  readonly sinceMs: number;
}

async function countParked(
  pool: Pool,
  groups: readonly string[],
): Promise<ReadonlyMap<string, Parked>> {
  const { rows } = await pool.query<{ group: string; events: number; since: Date }>(
    `select g."group", count(*)::int as events, min(p.at) as since
     from unnest($1::text[]) as g ("group") cross join lateral (
       select at from parked where "group" = g."group" and replay = 0 limit $2) as p
     group by 1`,
    [groups, COUNTED_ROWS_MAX + 1],
  );
  return new Map(
    rows.map(({ group, events, since }) => [group, { events, sinceMs: since.getTime() }]),
  );
}

/** Where the log cannot count by type, all of it counts: rather too much than too little. */
async function countUnread(
  carrier: Pick<Carrier, "countTypes">,
  { state }: Flow,
): Promise<{ readonly events: number; readonly isApproximate: boolean }> {
  const spans = state.partitions.flatMap((one, partition) => {
    const { after, upTo } = unreadOf(one);
    return upTo > after ? [{ partition, after, upTo }] : [];
  });
  const all = spans.reduce((sum, { after, upTo }) => sum + upTo - after, 0);
  if (all === 0) return { events: 0, isApproximate: false };
  if (carrier.countTypes === undefined) return { events: all, isApproximate: true };
  const { looked, matching } = await carrier.countTypes(
    spans,
    [...state.consumed],
    COUNTED_ROWS_MAX,
  );
  // What is pruned is not there to be looked at, and needs no delivery.
  if (looked < COUNTED_ROWS_MAX) return { events: matching, isApproximate: false };
  return { events: Math.round((matching / looked) * all), isApproximate: true };
}
