-- How far the gateway's evidence of a rollout was read, so that a control that was restarted goes on
-- there: what the gateway has overwritten by then was read, and is not lost.

create table rollout_readings (
  rollout text primary key references rollouts,
  -- The start of the gateway that numbered the records.
  boot_id text not null,
  -- The last record read.
  after bigint not null,
  -- Records overwritten before anybody had read them.
  lost bigint not null,
  -- First attempts by route, counted by gateways that have ended since.
  routes jsonb not null
);

grant select, insert, update, delete on rollout_readings to control_app;
