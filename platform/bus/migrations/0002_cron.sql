-- Up to which tick each job is settled, so that a restart neither repeats one nor forgets one. A row
-- comes with the job's first declaration, whose earlier ticks are nobody's, and goes with its last.
create table cron_jobs (
  service text not null,
  job text not null,
  -- With another expression the job begins anew.
  expression text not null,
  settled_tick timestamptz not null,
  primary key (service, job)
);
