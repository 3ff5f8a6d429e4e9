-- The books. What happened (transfers, hold_resolutions, burned_transfer_ids) is only ever
-- inserted; what follows from it (the balances in accounts, the timers in hold_timeouts) is kept
-- beside it and can be recomputed at any time.

create table assets (
  asset text primary key check (asset ~ '^[A-Z][A-Z0-9]{1,11}$'),
  scale smallint not null check (scale between 0 and 18),
  name text not null
);

insert into assets (asset, scale, name) values
  ('EUR', 2, 'Euro'),
  ('USD', 2, 'US dollar'),
  ('USDC', 6, 'USD Coin'),
  ('ETH', 18, 'Ether');

-- Balances are rewritten on each transfer; the free half of each page keeps those updates off the
-- indexes (heap-only tuples).
create table accounts (
  id uuid primary key,
  asset text not null references assets (asset),
  code smallint not null check (code between 100 and 999),
  owner text check (owner ~ '^[a-z]{2,8}_[0-9a-z]{26}$'),
  normal_side text not null check (normal_side in ('debit', 'credit')),
  limited boolean not null,
  debits_posted numeric(39, 0) not null default 0 check (debits_posted >= 0),
  credits_posted numeric(39, 0) not null default 0 check (credits_posted >= 0),
  debits_pending numeric(39, 0) not null default 0 check (debits_pending >= 0),
  credits_pending numeric(39, 0) not null default 0 check (credits_pending >= 0),
  last_entry_at timestamptz,
  opened_by text not null,
  opened_at timestamptz not null default now(),
  unique (id, asset),
  constraint balances_fit_128_bits check (
    debits_posted + debits_pending <= 340282366920938463463374607431768211455
    and credits_posted + credits_pending <= 340282366920938463463374607431768211455),
  constraint limit_holds check (
    not limited
    or (normal_side = 'credit' and debits_posted + debits_pending <= credits_posted)
    or (normal_side = 'debit' and credits_posted + credits_pending <= debits_posted))
) with (fillfactor = 50);
create index accounts_of_owner on accounts (owner, code, asset) where owner is not null;

-- The two-column references make PostgreSQL itself refuse a transfer between two assets.
create table transfers (
  id uuid primary key,
  kind text not null check (kind in ('post', 'hold', 'post-hold', 'void-hold')),
  debit uuid not null,
  credit uuid not null,
  amount numeric(39, 0) not null
    check (amount between 0 and 340282366920938463463374607431768211455),
  asset text not null,
  code text not null check (code ~ '^[a-z][a-z0-9-]{1,30}$'),
  pending uuid references transfers (id),
  timeout_seconds integer check (timeout_seconds > 0),
  reference text check (length(reference) <= 64),
  service text not null,
  revision text not null,
  consented_by text,
  at timestamptz not null,
  constraint debit_of_same_asset foreign key (debit, asset) references accounts (id, asset),
  constraint credit_of_same_asset foreign key (credit, asset) references accounts (id, asset),
  constraint two_accounts check (debit <> credit),
  constraint ends_a_hold check ((kind in ('post-hold', 'void-hold')) = (pending is not null)),
  constraint timeout_of_a_hold check (timeout_seconds is null or kind = 'hold')
);
create index transfers_of_debit on transfers (debit, at desc, id desc);
create index transfers_of_credit on transfers (credit, at desc, id desc);

-- How a hold ended; a hold without a row here is open. The primary key lets it end once only.
create table hold_resolutions (
  hold uuid primary key references transfers (id),
  outcome text not null check (outcome in ('posted', 'voided', 'expired')),
  transfer uuid unique references transfers (id),
  at timestamptz not null,
  constraint expiry_has_no_transfer check ((outcome = 'expired') = (transfer is null))
);

-- The open holds that end by themselves: a work list, so rows go when their hold ends.
create table hold_timeouts (
  hold uuid primary key references transfers (id),
  debit uuid not null,
  credit uuid not null,
  amount numeric(39, 0) not null,
  expires_at timestamptz not null
);
create index hold_timeouts_due on hold_timeouts (expires_at);
create index hold_timeouts_of_debit on hold_timeouts (debit, expires_at);
create index hold_timeouts_of_credit on hold_timeouts (credit, expires_at);

-- Ids that will never move money, each with the refusal that used it up.
create table burned_transfer_ids (
  id uuid primary key,
  service text not null,
  reason text not null,
  given jsonb not null,
  at timestamptz not null default now()
);

-- An id either moved money or is burned. Both writers hold the id's advisory lock, so these
-- look-ups cannot race; they catch a writer that forgot it.
create function refuse_burned_id() returns trigger language plpgsql as $$
begin
  if exists (select 1 from burned_transfer_ids b where b.id = new.id) then
    raise exception 'transfer id % is burned', new.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger transfers_refuse_burned_id before insert on transfers
  for each row execute function refuse_burned_id();

create function refuse_used_id() returns trigger language plpgsql as $$
begin
  if exists (select 1 from transfers t where t.id = new.id) then
    raise exception 'transfer id % moved money', new.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger burned_transfer_ids_refuse_used_id before insert on burned_transfer_ids
  for each row execute function refuse_used_id();

grant select on assets to ledger_app;
grant select, insert on accounts to ledger_app;
grant update (debits_posted, credits_posted, debits_pending, credits_pending, last_entry_at)
  on accounts to ledger_app;
grant select, insert on transfers, hold_resolutions, burned_transfer_ids to ledger_app;
grant select, insert, delete on hold_timeouts to ledger_app;
