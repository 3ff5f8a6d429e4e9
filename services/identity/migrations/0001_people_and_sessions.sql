-- People, their sessions and the keys that sign their tokens. Identity alone holds names and
-- addresses; everybody else knows a person by the opaque id.

create table people (
  person uuid primary key,
  email text not null,
  name text not null,
  -- A scrypt hash with its own parameters, in the PHC string format.
  password_hash text not null,
  -- Made by the demo profile; production refuses to start while such a row exists.
  demo boolean not null default false,
  created_at timestamptz not null,
  constraint people_email_taken unique (email),
  constraint people_email_normalised check (email = lower(btrim(email)) and email like '%_@_%'),
  constraint people_name_length check (char_length(name) between 1 and 80)
);

-- A session is the family of all refresh tokens that descend from one sign-in.
create table sessions (
  session uuid primary key,
  person uuid not null references people (person) on delete cascade,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  end_reason text,
  constraint sessions_end_has_reason check ((ended_at is null) = (end_reason is null)),
  constraint sessions_end_reason check (end_reason in ('signed-out', 'token-reused'))
);
create index sessions_by_person on sessions (person);
create index sessions_by_expiry on sessions (expires_at);

-- Only hashes are kept. A rotated token stays until it expires, so that its reuse is noticed.
create table refresh_tokens (
  token_hash bytea primary key,
  session uuid not null references sessions (session) on delete cascade,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  rotated_at timestamptz,
  -- How often it was accepted again in the seconds after its rotation.
  grace_uses smallint not null default 0,
  constraint refresh_tokens_hash_length check (octet_length(token_hash) = 32)
);
create index refresh_tokens_by_session on refresh_tokens (session);
create index refresh_tokens_by_expiry on refresh_tokens (expires_at);

create table signing_keys (
  kid text primary key,
  public_jwk jsonb not null,
  -- The private key (PKCS #8) under AES-256-GCM with the service's key.
  private_sealed bytea not null,
  signs_from timestamptz not null,
  signs_until timestamptz not null,
  verifies_until timestamptz not null,
  constraint signing_keys_order check (signs_from < signs_until and signs_until < verifies_until)
);

-- Keyed by a keyed hash of the address, so that unknown addresses are slowed down alike and the
-- table tells nothing of who tried.
create table sign_in_failures (
  account_hash bytea primary key,
  failures int not null,
  blocked_until timestamptz,
  last_at timestamptz not null,
  constraint sign_in_failures_count check (failures >= 0)
);
create index sign_in_failures_by_age on sign_in_failures (last_at);

grant select, insert on people to identity_app;
grant update (name, password_hash) on people to identity_app;
grant select, insert, delete on sessions to identity_app;
grant update (ended_at, end_reason) on sessions to identity_app;
grant select, insert, delete on refresh_tokens to identity_app;
grant update (rotated_at, grace_uses) on refresh_tokens to identity_app;
grant select, insert, delete on signing_keys to identity_app;
grant select, insert, update, delete on sign_in_failures to identity_app;
