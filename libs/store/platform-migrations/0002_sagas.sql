-- Sagas live in the database of the service that starts them, so that a step, what it wrote and the
-- events it tells of commit together. See libs/saga.

create table tideway.sagas (
  id uuid primary key,
  name text not null,
  version int not null,
  -- The list of steps as it was when the saga began: kinds and rules, no code.
  definition jsonb not null,
  state text not null,
  -- The step it is at, or that is being undone.
  step text not null,
  data jsonb not null,
  -- What came from outside for steps that wait for it: step -> data. The first one counts.
  signals jsonb not null default '{}',
  -- Who carries it on, until when by this database's clock, and the number that each write of its
  -- holder compares.
  lease_owner text,
  lease_until timestamptz,
  fence bigint not null,
  -- Failed tries of the present step.
  attempts int not null default 0,
  -- When whoever finds it may carry it on: while it is held, the end of the lease, or a second later
  -- where somebody waits who would rather carry it on himself. Null when it is over, or waits for a
  -- signal alone.
  due_at timestamptz,
  deadline_at timestamptz not null,
  -- True when all that is left to do is kept as requests, so that any revision can do it.
  by_data boolean not null default false,
  attention boolean not null default false,
  problem jsonb,
  -- Why it is being compensated.
  reason jsonb,
  -- The caller's key: one saga for it.
  start_key text not null,
  traceparent text,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint sagas_one_per_key unique (name, start_key),
  constraint sagas_state
    check (state in ('running', 'waiting', 'compensating', 'completed', 'compensated')),
  -- 256 KB as it was given; jsonb writes itself with spaces.
  constraint sagas_data_size check (octet_length(data::text) <= 524288),
  constraint sagas_start_key_size check (octet_length(start_key) between 1 and 200),
  constraint sagas_lease_whole check ((lease_owner is null) = (lease_until is null)),
  constraint sagas_over_is_not_due
    check (state not in ('completed', 'compensated') or (due_at is null and lease_owner is null))
) with (fillfactor = 70);
-- While a saga runs, none of these columns changes, so its updates stay within their page. By
-- version first: what nobody carries does not stand in the way of what is looked for.
create index sagas_due on tideway.sagas (name, version, due_at) where due_at is not null;
create index sagas_due_by_data on tideway.sagas (due_at) where by_data and due_at is not null;
create index sagas_unfinished on tideway.sagas (created_at)
  where state in ('running', 'waiting', 'compensating');
create index sagas_attention on tideway.sagas (created_at) where attention;
create index sagas_by_age on tideway.sagas (created_at desc, id desc);

-- No foreign key to the saga: rows are written by the very statement that writes the saga's.
create table tideway.saga_steps (
  saga uuid not null,
  step text not null,
  position smallint not null,
  kind text not null,
  state text not null,
  attempts int not null default 0,
  -- The Idempotency-Key, the same for every try.
  key text not null,
  request jsonb,
  result jsonb,
  -- The requests that undo it, written down before its first try.
  undo jsonb not null default '[]',
  problem jsonb,
  begun_at timestamptz,
  finished_at timestamptz,
  wake_at timestamptz,
  primary key (saga, step),
  constraint saga_steps_state
    check (state in ('pending', 'running', 'done', 'failed', 'undone', 'no-undo')),
  constraint saga_steps_size check (
    octet_length(coalesce(request::text, '')) + octet_length(coalesce(result::text, ''))
      + octet_length(undo::text) <= 524288)
) with (fillfactor = 70);

-- Which versions instances carry; each instance writes it down every 10 s. New sagas begin by a
-- version only after its bake time.
create table tideway.saga_definitions (
  name text not null,
  version int not null,
  -- Since when it has been carried whenever any version of the saga was.
  first_seen_at timestamptz not null default clock_timestamp(),
  -- When an instance last said that it carries it.
  carried_at timestamptz not null default clock_timestamp(),
  -- When an instance last said that it carries nothing newer.
  newest_at timestamptz,
  primary key (name, version)
);

-- What nobody who was there lately can carry on with is no reason to wake anybody. Lately is counted
-- from the last sign of any instance, so what a sleeping service carries is still carried.
create or replace view tideway_due as
  select 'saga'::text as kind, s.due_at from tideway.sagas s
  where s.due_at is not null
    and (s.by_data or (s.name, s.version) in (
      select d.name, d.version from tideway.saga_definitions d
      where d.carried_at >= (select max(carried_at) from tideway.saga_definitions)
        - interval '60 seconds'));

do $$
declare
  app text := regexp_replace(current_user, '_owner$', '_app');
begin
  execute format('grant select, insert, update, delete on tideway.sagas to %I', app);
  execute format('grant select, insert, update, delete on tideway.saga_steps to %I', app);
  execute format('grant select, insert, update on tideway.saga_definitions to %I', app);
end $$;
