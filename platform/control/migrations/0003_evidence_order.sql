-- The order in which people and bad answers came, over both tables: the judge's tests depend on it,
-- and a control that was restarted must come to the same numbers as the one before it.

alter table rollout_people add column place bigint;
alter table rollout_bad add column place bigint;

-- Records written so far; the place of the next one.
alter table rollout_readings add column written bigint not null default 0;
