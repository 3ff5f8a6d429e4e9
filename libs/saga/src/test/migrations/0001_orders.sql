-- What the tests' sagas write in their own database.
create table orders (order_id text primary key, state text not null, writes int not null default 1);
grant select, insert, update on orders to shop_app;
