-- What the platform keeps in every service's own database, so that it commits together with the
-- service's rows. Run as the owner, before the service's own migrations, in every database.

create schema tideway;

-- Events of the producer's transactions, until the relay has them in the log. A row's presence is
-- its state: the relay takes what is there and never goes by position, so a late commit is not lost.
create table tideway.outbox (
  id bigint generated always as identity primary key,
  event_id uuid not null,
  type text not null,
  -- The ordering key: events of one key are delivered in the order of their commits.
  key text not null,
  -- JSON, kept as it was written.
  data text not null,
  traceparent text,
  at timestamptz not null default clock_timestamp(),
  constraint outbox_data_size check (octet_length(data) <= 262144),
  constraint outbox_key_size check (octet_length(key) between 1 and 200)
);

-- One statement, so that the ids of a key follow the order of its commits: whoever publishes for a
-- key holds its lock until the end of the transaction, and takes the id only after that.
create function tideway.publish(
  event_ids uuid[], types text[], keys text[], payloads text[], traceparent text
) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(857443, lock)
    from (select distinct hashtext(k) as lock from unnest(keys) as k order by 1) as locks;
  insert into tideway.outbox (event_id, type, key, data, traceparent)
    select e.event_id, e.type, e.key, e.payload, publish.traceparent
    from unnest(event_ids, types, keys, payloads) with ordinality
      as e (event_id, type, key, payload, place)
    order by e.place;
end $$;

-- Events whose effect is there. The row commits with the effect, which makes the effect happen once.
create table tideway.inbox (
  event_id uuid not null,
  -- 0 for the first delivery; a replay into the same service has a number of its own.
  replay int not null default 0,
  received_at timestamptz not null default now(),
  primary key (event_id, replay)
);
create index inbox_by_age on tideway.inbox (received_at);

-- Ticks of cron jobs: a tick runs once, over all instances.
create table tideway.job_ticks (
  job text not null,
  tick timestamptz not null,
  -- Until then whoever began it is expected to finish.
  lease_until timestamptz not null,
  finished_at timestamptz,
  primary key (job, tick)
);
create index job_ticks_by_age on tideway.job_ticks (tick);

-- Work that waits for a moment. The bus reads it and wakes a service that sleeps through its due work.
create view tideway_due as
  select null::text as kind, null::timestamptz as due_at where false;

do $$
declare
  app text := regexp_replace(current_user, '_owner$', '_app');
begin
  execute format('grant usage on schema tideway to %I, tideway_relay', app);
  execute format('grant select, insert on tideway.outbox to %I', app);
  execute format('grant select, insert, delete on tideway.inbox to %I', app);
  execute format('grant select, insert, update, delete on tideway.job_ticks to %I', app);
  execute format('grant select on tideway_due to %I, tideway_relay', app);
end $$;
grant select, delete on tideway.outbox to tideway_relay;
