-- Which revisions may live beside each other, and what real calls rely on.

create table compatibility_matrix (
  -- A service, or "public" for whoever comes through the public listener.
  consumer text not null,
  consumer_revision text not null,
  provider text not null,
  provider_revision text not null,
  -- SHA-256 over everything that was judged: the same content is not judged twice.
  content_hash text not null,
  verdict text not null check (verdict in ('compatible', 'incompatible')),
  findings jsonb not null,
  checked_at timestamptz not null default now(),
  primary key (consumer_revision, provider_revision, content_hash)
);
create index compatibility_matrix_by_content on compatibility_matrix (content_hash);

-- Fields that instances were seen to read and send, beside those of their committed file. Paths and
-- types, never values.
create table consumer_expectations (
  revision text not null references revisions,
  provider text not null,
  operation text not null,
  part text not null check (part in ('request', 'reply', 'event')),
  path text not null,
  type text not null,
  first_seen_at timestamptz not null default now(),
  primary key (revision, provider, operation, part, path, type)
);

grant select, insert, update, delete on compatibility_matrix to control_app;
grant select, insert, delete on consumer_expectations to control_app;
