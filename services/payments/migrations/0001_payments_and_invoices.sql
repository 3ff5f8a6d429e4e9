-- Payments between people and the invoices that ask for them. The ledger moves the money and knows
-- opaque ids only; what people write to each other stays here, under a key of each person.

create table idempotency_keys (
  principal text not null,
  route text not null,
  key text not null,
  body_digest text not null,
  operation text not null,
  status int,
  reply jsonb,
  created_at timestamptz not null default now(),
  primary key (principal, route, key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

-- Deleting a row destroys every note that was sealed under it.
create table person_keys (
  key uuid primary key,
  person uuid not null,
  sealed bytea not null,
  created_at timestamptz not null default now(),
  constraint person_keys_one_each unique (person)
);

create table invoices (
  invoice uuid primary key,
  payee uuid not null,
  amount numeric(39, 0) not null,
  asset text not null,
  scale smallint not null,
  -- No foreign key: the key may be erased, and the note with it.
  note_key uuid,
  note_sealed bytea,
  state text not null default 'open',
  -- The payment that is paying it, or has paid it.
  payment uuid,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint invoices_amount check (amount > 0 and amount < 340282366920938463463374607431768211456),
  constraint invoices_state check (state in ('open', 'paying', 'paid', 'expired', 'cancelled')),
  constraint invoices_payment_while_paying
    check ((state in ('paying', 'paid')) = (payment is not null)),
  constraint invoices_note_whole check ((note_key is null) = (note_sealed is null)),
  constraint invoices_life check (expires_at > created_at)
);
create index invoices_by_payee on invoices (payee, created_at desc, invoice desc);
create index invoices_open_by_expiry on invoices (expires_at) where state = 'open';

create table payments (
  payment uuid primary key,
  -- The ledger transfer that moves, or would have moved, the money.
  transfer uuid not null,
  payer uuid not null,
  payee uuid not null,
  amount numeric(39, 0) not null,
  asset text not null,
  scale smallint not null,
  invoice uuid references invoices (invoice),
  -- A payment of an invoice carries the invoice's note and has none of its own.
  note_key uuid,
  note_sealed bytea,
  state text not null default 'pending',
  failure text,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  -- When the background may ask the ledger what became of it: longer after the last attempt than
  -- any deadline.
  next_check_at timestamptz not null default now() + interval '15 seconds',
  constraint payments_one_transfer unique (transfer),
  constraint payments_two_people check (payer <> payee),
  constraint payments_amount check (amount > 0 and amount < 340282366920938463463374607431768211456),
  constraint payments_state check (state in ('pending', 'paid', 'failed')),
  constraint payments_failure_when_failed check ((state = 'failed') = (failure is not null)),
  constraint payments_finished_when_final check ((state = 'pending') = (finished_at is null)),
  constraint payments_note_whole check ((note_key is null) = (note_sealed is null)),
  constraint payments_note_of_invoice check (invoice is null or note_key is null)
);
create index payments_by_payer on payments (payer, created_at desc, payment desc);
create index payments_by_payee on payments (payee, created_at desc, payment desc)
  where state = 'paid';
create index payments_pending on payments (next_check_at) where state = 'pending';
-- Whatever the code does, an invoice has one payment that may move money.
create unique index payments_one_per_invoice on payments (invoice)
  where state in ('pending', 'paid');

-- Checked at the commit, since claiming an invoice writes both rows.
alter table invoices add constraint invoices_payment_exists
  foreign key (payment) references payments (payment) deferrable initially deferred;

-- A final state is final.
create function refuse_change_of_final_payment() returns trigger language plpgsql as $$
begin
  raise exception 'payment % is %, which is final', old.payment, old.state
    using errcode = 'integrity_constraint_violation';
end $$;
create trigger payments_final before update on payments
  for each row when (old.state <> 'pending') execute function refuse_change_of_final_payment();

create function refuse_change_of_final_invoice() returns trigger language plpgsql as $$
begin
  raise exception 'invoice % is %, which is final', old.invoice, old.state
    using errcode = 'integrity_constraint_violation';
end $$;
create trigger invoices_final before update on invoices
  for each row when (old.state in ('paid', 'expired', 'cancelled'))
  execute function refuse_change_of_final_invoice();

-- Demo money, once per person and day (UTC).
create table top_ups (
  person uuid not null,
  day date not null,
  operation text not null,
  finished_at timestamptz,
  primary key (person, day)
);
create index top_ups_by_operation on top_ups (person, operation);

grant select, insert, update, delete on idempotency_keys to payments_app;
grant select, insert, delete on person_keys to payments_app;
grant select, insert on invoices to payments_app;
grant update (state, payment) on invoices to payments_app;
grant select, insert on payments to payments_app;
grant update (state, failure, finished_at, next_check_at) on payments to payments_app;
grant select, insert on top_ups to payments_app;
grant update (finished_at) on top_ups to payments_app;
