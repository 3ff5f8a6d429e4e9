-- The bus's own database. One bus at a time writes here: whoever holds the highest fence. Every
-- statement that writes locks the row of `writer` for itself, so a bus that was overtaken is refused
-- inside the very transaction by which it would have written.

create table writer (
  only_one boolean primary key default true check (only_one),
  fence bigint not null,
  owner text not null,
  -- By this database's clock. Until then nobody else may take over.
  lease_until timestamptz not null
);
insert into writer (fence, owner, lease_until) values (0, 'nobody', '-infinity');

-- The log. Offsets (`place`) are dense per partition because the one writer gives them out under the
-- lock on `heads`; an event is there once because its id is the key.
--
-- Retention: the table is divided by the id, and ids are UUIDv7, which begin with their moment. So a
-- division is about a day of events, uniqueness over all days needs no second table, and a day that
-- everybody has completed is dropped whole: no DELETE, no dead rows, no vacuum of history. Ids of
-- another make or of a far day go to log_rest, which is pruned row by row and stays small.
create table log (
  event_id uuid not null primary key,
  partition smallint not null,
  place bigint not null,
  source text not null,
  type text not null,
  key text not null,
  data text not null,
  traceparent text,
  at timestamptz not null
) partition by range (event_id);
create index log_by_place on log (partition, place);
create table log_rest partition of log default;

-- The last offset of each partition; kept apart, so that it survives the log's retention.
create table heads (
  partition smallint primary key,
  head bigint not null default 0
) with (fillfactor = 50);
insert into heads (partition) select generate_series(0, 7);

create function check_fence(given bigint) returns void language plpgsql as $$
begin
  perform 1 from writer where fence = given for share;
  if not found then
    raise exception 'another bus owns the log' using errcode = 'TW001';
  end if;
end $$;

-- Appends in the given order and answers each event's offset; one that is there keeps its own.
create function append_events(
  given_fence bigint, event_ids uuid[], partitions smallint[], sources text[], types text[],
  keys text[], payloads text[], traceparents text[], ats timestamptz[]
) returns bigint[] language plpgsql as $$
declare
  places bigint[];
begin
  perform check_fence(given_fence);
  perform 1 from heads order by partition for update;
  with given as materialized (
    select g.*
    from unnest(event_ids, partitions, sources, types, keys, payloads, traceparents, ats)
      with ordinality
      as g (event_id, partition, source, type, key, data, traceparent, at, turn)
  ), known as materialized (
    select l.event_id, l.place from log as l where l.event_id = any (event_ids)
  ), fresh as materialized (
    select g.*, h.head + row_number() over (partition by g.partition order by g.turn) as place
    from given as g join heads as h using (partition)
    where not exists (select from known as k where k.event_id = g.event_id)
  ), inserted as (
    insert into log (event_id, partition, place, source, type, key, data, traceparent, at)
    select f.event_id, f.partition, f.place, f.source, f.type, f.key, f.data, f.traceparent, f.at
    from fresh as f order by f.turn
  ), moved as (
    update heads as h set head = f.last
    from (select partition, max(place) as last from fresh group by partition) as f
    where h.partition = f.partition
  )
  select array_agg(coalesce(f.place, k.place) order by g.turn) into places
  from given as g
    left join fresh as f using (turn)
    left join known as k on k.event_id = g.event_id;
  return places;
end $$;

-- What control told us last.
create table config (
  only_one boolean primary key default true check (only_one),
  epoch bigint not null,
  body jsonb not null
);

-- A flow is the delivery of the log to one consuming service: 0 is its living one, higher numbers
-- are replays, which end at `until`.
create table flows (
  "group" text not null,
  replay int not null,
  began_at timestamptz not null default now(),
  -- Of a replay: which types (null: all it consumes) and the last offset of each partition.
  types text[],
  until bigint[],
  -- Revision -> { sinceMs, reason }.
  suspensions jsonb not null default '{}',
  primary key ("group", replay)
);

-- The number that the group's next replay gets; numbers are never given twice, or the inbox would
-- take the second replay for the first one.
create table replay_numbers (
  "group" text primary key,
  last int not null
);

-- Everything up to read_to is completed but for `open`.
create table cursors (
  "group" text not null,
  replay int not null,
  partition smallint not null,
  read_to bigint not null,
  open bigint[] not null,
  primary key ("group", replay, partition),
  foreign key ("group", replay) references flows on delete cascade
) with (fillfactor = 50);

-- Keys in trouble, and events whose order does not matter, each by itself.
create table lanes (
  "group" text not null,
  replay int not null,
  lane text not null,
  partition smallint not null,
  key text not null,
  state text not null check (state in ('retrying', 'quarantined', 'redriving')),
  place bigint not null,
  event_id uuid not null,
  type text not null,
  tries int not null,
  code text not null,
  detail text not null,
  revision text not null,
  since timestamptz not null,
  next_try_at timestamptz,
  primary key ("group", replay, lane),
  foreign key ("group", replay) references flows on delete cascade
);
create index lanes_by_key on lanes ("group", key);

-- The event that failed and all that followed it in its lane, with their data: so the log may forget
-- them, and redriving needs nothing else.
create table parked (
  "group" text not null,
  replay int not null,
  lane text not null,
  partition smallint not null,
  place bigint not null,
  event_id uuid not null,
  source text not null,
  type text not null,
  key text not null,
  data text not null,
  traceparent text,
  at timestamptz not null,
  primary key ("group", replay, lane, place),
  foreign key ("group", replay) references flows on delete cascade
);
