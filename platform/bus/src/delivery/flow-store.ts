/** What the bus's database keeps of a flow: cursors, lanes in trouble, parked events. */
import { present } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Pool, Transaction } from "@tideway/store";
import type { Cursor, Detour, Keeping, TroubledLane } from "../machine/delivery-types.ts";
import { toStored } from "../log-rows.ts";
import type { LogRow } from "../log-rows.ts";
import { fencedOr } from "../ownership.ts";
import type { PreparedEvent } from "./prepared-event.ts";
import { prepare } from "./prepared-event.ts";
import { keyDigitsOf } from "@tideway/gateway";

export interface FlowName {
  readonly group: string;
  /** 0 for the living flow. */
  readonly replay: number;
}

export interface FlowRow extends FlowName {
  readonly types: readonly string[] | null;
  readonly until: readonly number[] | null;
  readonly suspensions: Suspensions;
}

export type Suspensions = ReadonlyMap<
  string,
  { readonly sinceMs: number; readonly reason: string }
>;

export interface SavedCursor extends FlowName, Cursor {
  readonly partition: number;
}

export interface Writer {
  readonly pool: Pool;
  readonly fence: bigint;
}

/** Every flow there is. */
export async function loadFlows(pool: Pool): Promise<readonly FlowRow[]> {
  const { rows } = await pool.query<{
    group: string;
    replay: number;
    types: string[] | null;
    until: string[] | null;
    suspensions: Record<string, { sinceMs: number; reason: string }>;
  }>(`select "group", replay, types, until, suspensions from flows order by "group", replay`);
  return rows.map(({ group, replay, types, until, suspensions }) => ({
    group,
    replay,
    types,
    until: until?.map(Number) ?? null,
    suspensions: new Map(Object.entries(suspensions)),
  }));
}

export interface NewFlow extends FlowName {
  readonly types: readonly string[] | null;
  readonly until: readonly number[] | null;
  /** After which offset of each partition it begins. */
  readonly after: readonly number[];
}

/** Makes a flow with its cursors; one that is there stays as it is. */
export async function createFlow({ pool, fence }: Writer, flow: NewFlow): Promise<void> {
  await fenced({ pool, fence }, async (t) => {
    const made = await t.query(
      `insert into flows ("group", replay, types, until) values ($1, $2, $3, $4)
       on conflict do nothing`,
      [flow.group, flow.replay, flow.types, flow.until],
    );
    if (made.rowCount === 0) return;
    await t.query(
      `insert into cursors ("group", replay, partition, read_to, open)
       select $1, $2, turn - 1, after, '{}'
       from unnest($3::bigint[]) with ordinality as u (after, turn)`,
      [flow.group, flow.replay, flow.after],
    );
  });
}

/**
 * A number for a replay that no replay of this group ever had. Inboxes remember numbers that this
 * database may have forgotten (restored, or made anew), so it is the minutes since 1970, which go
 * on by themselves, and never less than one more than the last.
 */
export async function nextReplay(
  { pool, fence }: Writer,
  group: string,
  nowMs: number,
): Promise<number> {
  return fenced({ pool, fence }, async (t) => {
    const { rows } = await t.query<{ last: number }>(
      `insert into replay_numbers ("group", last) values ($1, $2)
       on conflict ("group") do update
         set last = greatest(replay_numbers.last + 1, excluded.last) returning last`,
      [group, Math.floor(nowMs / 60_000)],
    );
    return present(rows[0], "The statement returns the row that it writes.").last;
  });
}

export async function deleteFlow(writer: Writer, { group, replay }: FlowName): Promise<void> {
  await fenced(writer, (t) =>
    t.query(`delete from flows where "group" = $1 and replay = $2`, [group, replay]),
  );
}

export async function loadCursors(pool: Pool, flow: FlowName): Promise<readonly Cursor[]> {
  const { rows } = await pool.query<{ read_to: string; open: string[]; detours: Detour[] }>(
    `select read_to, open, detours from cursors
     where "group" = $1 and replay = $2 order by partition`,
    [flow.group, flow.replay],
  );
  return rows.map(({ read_to, open, detours }) => {
    return { readTo: Number(read_to), open: open.map(Number), detours };
  });
}

/**
 * Any number of cursors in one statement, which does not wait for the disk: old ones do no harm.
 */
export async function saveCursors(
  { pool, fence }: Writer,
  cursors: readonly SavedCursor[],
): Promise<void> {
  const rows = cursors.map(({ group, replay, partition, readTo, open, detours = [] }) => {
    return { group, replay, partition, read_to: readTo, open, detours };
  });
  await pool
    .query({
      name: "cursors-save",
      text: `update cursors as c set read_to = r.read_to, open = r.open, detours = r.detours
             from check_fence($1), set_config('synchronous_commit', 'off', true),
               jsonb_to_recordset($2) as r
               ("group" text, replay int, partition smallint, read_to bigint, open bigint[],
                detours jsonb)
             where c."group" = r."group" and c.replay = r.replay and c.partition = r.partition`,
      values: [fence, JSON.stringify(rows)],
    })
    .catch((error: unknown) => {
      throw fencedOr(error, fence);
    });
}

/** Lanes in trouble, and lanes of which a crash left parked events alone. */
export async function loadLanes(pool: Pool, flow: FlowName): Promise<readonly TroubledLane[]> {
  const { rows } = await pool.query<LaneRow>(
    `select lane, partition, key, state, place, event_id, type, tries, code, detail, revision,
       since, next_try_at
     from lanes where "group" = $1 and replay = $2
     union all
     select distinct on (p.lane) p.lane, p.partition, p.key, 'redriving', p.place, p.event_id,
       p.type, 0, '', '', '', now(), now()
     from parked as p
     where p."group" = $1 and p.replay = $2 and not exists (
       select from lanes as l
       where l."group" = p."group" and l.replay = p.replay and l.lane = p.lane)`,
    [flow.group, flow.replay],
  );
  return rows.map(toLane);
}

/** Writes down what must not take effect before; safe to repeat. */
export async function keep(writer: Writer, flow: FlowName, keeping: Keeping): Promise<void> {
  await fenced(writer, async (t) => {
    await parkEvents(t, flow, keeping);
    await upsertLanes(t, flow, keeping.lanes);
    if (keeping.release.length > 0) {
      await t.query(
        `delete from parked as p using unnest($3::text[], $4::bigint[]) as r (lane, place)
         where p."group" = $1 and p.replay = $2 and p.lane = r.lane and p.place = r.place`,
        [
          flow.group,
          flow.replay,
          keeping.release.map(({ lane }) => lane),
          keeping.release.map(({ offset }) => offset),
        ],
      );
    }
    if (keeping.clear.length > 0) {
      await t.query(
        `delete from lanes as l
         where l."group" = $1 and l.replay = $2 and l.lane = any ($3) and not exists (
           select from parked as p
           where p."group" = l."group" and p.replay = l.replay and p.lane = l.lane)`,
        [flow.group, flow.replay, keeping.clear],
      );
    }
  });
}

export async function saveSuspensions(
  writer: Writer,
  flow: FlowName,
  suspensions: Suspensions,
): Promise<void> {
  await fenced(writer, (t) =>
    t.query(`update flows set suspensions = $3 where "group" = $1 and replay = $2`, [
      flow.group,
      flow.replay,
      JSON.stringify(Object.fromEntries(suspensions)),
    ]),
  );
}

/** The first parked events of a lane, in their order, up to the one that reaches `bytesMax`. */
export async function readParked(
  pool: Pool,
  flow: FlowName,
  lane: string,
  { limit, bytesMax }: { readonly limit: number; readonly bytesMax: number },
): Promise<readonly PreparedEvent[]> {
  const { rows } = await pool.query<LogRow>(
    `select event_id, partition, place, source, type, key, data, traceparent, at
     from (
       select *, sum(octet_length(data)) over (order by place rows
         between unbounded preceding and 1 preceding) as before
       from (
         select * from parked where "group" = $1 and replay = $2 and lane = $3
         order by place limit $4) as page) as sized
     where coalesce(before, 0) < $5 order by place`,
    [flow.group, flow.replay, lane, limit, bytesMax],
  );
  return rows.map((row) => prepare(toStored(row)));
}

async function fenced<T>({ pool, fence }: Writer, act: (t: Transaction) => Promise<T>): Promise<T> {
  try {
    return await tx(pool, async (t) => {
      await t.query("select check_fence($1)", [fence]);
      return act(t);
    });
  } catch (error) {
    throw fencedOr(error, fence);
  }
}

async function parkEvents(t: Transaction, flow: FlowName, { park }: Keeping): Promise<void> {
  if (park.length === 0) return;
  const events = park.map(({ event }) => event);
  await t.query(
    `insert into parked ("group", replay, lane, partition, place, event_id, source, type, key,
       data, traceparent, at)
     select $1, $2, u.* from unnest($3::text[], $4::smallint[], $5::bigint[], $6::uuid[],
       $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[]) as u
     on conflict do nothing`,
    [
      flow.group,
      flow.replay,
      park.map(({ lane }) => lane),
      events.map(({ partition }) => partition),
      events.map(({ offset }) => offset),
      events.map(({ eventId }) => eventId),
      events.map(({ source }) => source),
      events.map(({ type }) => type),
      events.map(({ key }) => key),
      events.map(({ data }) => data),
      events.map(({ traceparent }) => traceparent),
      events.map(({ at }) => at),
    ],
  );
}

async function upsertLanes(
  t: Transaction,
  flow: FlowName,
  lanes: readonly TroubledLane[],
): Promise<void> {
  if (lanes.length === 0) return;
  const time = (ms: number): Date => new Date(ms);
  await t.query(
    `insert into lanes ("group", replay, lane, partition, key, state, place, event_id, type, tries,
       code, detail, revision, since, next_try_at)
     select $1, $2, u.* from unnest($3::text[], $4::smallint[], $5::text[], $6::text[],
       $7::bigint[], $8::uuid[], $9::text[], $10::int[], $11::text[], $12::text[], $13::text[],
       $14::timestamptz[], $15::timestamptz[]) as u
     on conflict ("group", replay, lane) do update set
       state = excluded.state, place = excluded.place, event_id = excluded.event_id,
       type = excluded.type, tries = excluded.tries, code = excluded.code,
       detail = excluded.detail, revision = excluded.revision, since = excluded.since,
       next_try_at = excluded.next_try_at`,
    [
      flow.group,
      flow.replay,
      lanes.map(({ lane }) => lane),
      lanes.map(({ partition }) => partition),
      lanes.map(({ key }) => key),
      lanes.map(({ state }) => state),
      lanes.map(({ offset }) => offset),
      lanes.map(({ eventId }) => eventId),
      lanes.map(({ type }) => type),
      lanes.map(({ tries }) => tries),
      lanes.map(({ code }) => withoutNul(code)),
      lanes.map(({ detail }) => withoutNul(detail)),
      lanes.map(({ revision }) => revision),
      lanes.map(({ sinceMs }) => time(sinceMs)),
      lanes.map(({ nextTryAtMs }) => (nextTryAtMs === null ? null : time(nextTryAtMs))),
    ],
  );
}

/** PostgreSQL's text holds no zero byte; a service's own words may. */
function withoutNul(text: string): string {
  return text.replaceAll("\0", "");
}

interface LaneRow {
  readonly lane: string;
  readonly partition: number;
  readonly key: string;
  readonly state: TroubledLane["state"];
  readonly place: string;
  readonly event_id: string;
  readonly type: string;
  readonly tries: number;
  readonly code: string;
  readonly detail: string;
  readonly revision: string;
  readonly since: Date;
  readonly next_try_at: Date | null;
}

function toLane(row: LaneRow): TroubledLane {
  return {
    lane: row.lane,
    key: row.key,
    keyDigits: keyDigitsOf(row.key),
    partition: row.partition,
    state: row.state,
    offset: Number(row.place),
    eventId: row.event_id,
    type: row.type,
    tries: row.tries,
    code: row.code,
    detail: row.detail,
    revision: row.revision,
    sinceMs: row.since.getTime(),
    nextTryAtMs: row.next_try_at?.getTime() ?? null,
  };
}
