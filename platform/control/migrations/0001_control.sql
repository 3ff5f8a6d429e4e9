-- Control's own state. Everything a new control needs to go on where the last one was killed.

create table operators (
  operator text primary key,
  name text not null unique,
  password_hash text not null,
  failures int not null default 0,
  locked_until timestamptz,
  created_at timestamptz not null default now()
);

create table operator_sessions (
  token_hash text primary key,
  operator text not null references operators,
  expires_at timestamptz not null
);

create table services (
  service text primary key,
  -- The revision that has all the traffic that no rollout gives away.
  stable text
);

create table revisions (
  revision text primary key,
  service text not null references services,
  number int not null check (number > 0),
  digest text not null,
  manifest jsonb not null,
  created_at timestamptz not null default now(),
  created_by text not null,
  -- Set when a rollout withdrew it; cleared when it is released again.
  withdrawn_at timestamptz,
  unique (service, number),
  unique (service, digest)
);

create table rollouts (
  rollout text primary key,
  service text not null references services,
  from_revision text references revisions,
  to_revision text not null references revisions,
  -- The state machine's own state, as platform/rollout defines it.
  state jsonb not null,
  phase text not null,
  -- Each change adds one; a writer that read an older one fails.
  version int not null default 1,
  verdict jsonb,
  failure_log jsonb not null default '[]',
  outcome text,
  started_by text not null,
  started_at timestamptz not null default now(),
  finished_at timestamptz
);
-- One rollout at a time for each service.
create unique index rollouts_running on rollouts (service) where finished_at is null;
create index rollouts_by_service on rollouts (service, started_at desc);

create table rollout_decisions (
  id bigint generated always as identity primary key,
  rollout text not null references rollouts,
  at timestamptz not null,
  kind text not null,
  by text not null,
  text text not null
);
create index rollout_decisions_by_rollout on rollout_decisions (rollout, id);

-- People by a salted hash, once a lane: what the judge counts.
create table rollout_people (
  rollout text not null references rollouts,
  lane text not null check (lane in ('stable', 'candidate')),
  person text not null,
  -- The weight in force when they met the lane first, in percent.
  weight double precision not null,
  seq bigint generated always as identity,
  primary key (rollout, lane, person)
);

-- The first bad answer of each person in a rollout, in the order of the gateway.
create table rollout_bad (
  rollout text not null references rollouts,
  person text not null,
  seq bigint generated always as identity,
  lane text not null check (lane in ('stable', 'candidate')),
  weight double precision not null,
  at timestamptz not null,
  route text not null,
  reason text not null,
  status int,
  trace_id text,
  duration_ms double precision,
  primary key (rollout, person)
);

create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  operator text not null,
  action text not null,
  subject text not null,
  detail text not null,
  -- SHA-256 over the row before and this one: a changed row breaks the chain.
  hash text not null
);

-- Grows with each configuration sent to the gateway.
create table configuration_epoch (
  only_row boolean primary key default true check (only_row),
  epoch bigint not null
);
insert into configuration_epoch (epoch) values (0);

grant select, insert, update, delete on operators, operator_sessions, services, revisions, rollouts,
  configuration_epoch to control_app;
grant select, insert, delete on rollout_people, rollout_bad to control_app;
grant select, insert on rollout_decisions, audit_log to control_app;
