-- Who had notes erased lately. A request that read a note just before may keep its answer just after;
-- for as long as one can be under way, such answers are looked for and forgotten.
create table erasures (
  person uuid primary key,
  at timestamptz not null
);
create index erasures_by_age on erasures (at);

grant select, insert, update, delete on erasures to payments_app;
