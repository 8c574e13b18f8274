-- The condition is sent.
create extension if not exists postgres_fdw;
do $$ begin
  if not exists (select from pg_foreign_server where srvname = 'loop') then
    execute format('create server loop foreign data wrapper postgres_fdw options (host %L, port %L, dbname %L)',
      coalesce(nullif(split_part(current_setting('unix_socket_directories'), ',', 1), ''), 'localhost'), current_setting('port'), current_database());
    execute format('create user mapping for current_user server loop options (user %L)', current_user);
  end if;
end $$;
create foreign table if not exists far_orders (id int, status text, created timestamp) server loop options (table_name 'orders');
select id from far_orders where status = 'open';
