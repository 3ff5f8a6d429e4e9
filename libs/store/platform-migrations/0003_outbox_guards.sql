-- What a service writes into its own outbox goes into other services' deliveries: the data as it
-- stands there, and the type as what the event is. So neither is left to the code that publishes:
-- data that is no JSON text would end or rewrite the event around it, and a type of another service
-- would hold up that service's own events of the same key wherever they are consumed.
-- Not valid for what is there already: the relay takes those rows all the same.
alter table tideway.outbox
  add constraint outbox_data_json check (data is json) not valid;

do $$
declare
  -- As provisioning makes role names of a service's: bank-transfers -> bank_transfers_owner.
  own text := regexp_replace(current_user, '_owner$', '');
begin
  execute format(
    'alter table tideway.outbox add constraint outbox_own_type
       check (replace(split_part(type, ''.'', 1), ''-'', ''_'') = %L) not valid', own);
end $$;
