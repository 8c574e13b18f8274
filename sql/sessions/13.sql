-- one row a session or process of the server but our own, without its statement
-- reads pg_stat_activity
-- needs pg_read_all_stats for what other roles' sessions do, which is null without it
-- new in 13: first variant
select
    a.pid,
    a.datname as database,
    a.usename as "user",
    a.application_name,
    a.backend_type,
    a.state,
    a.wait_event_type,
    a.wait_event,
    extract(epoch from a.backend_start)::pg_catalog.float8 as backend_start,
    extract(epoch from a.xact_start)::pg_catalog.float8 as xact_start,
    extract(epoch from a.state_change)::pg_catalog.float8 as state_change,
    pg_catalog.age(a.backend_xmin)::pg_catalog.float8 as xmin_age
from pg_catalog.pg_stat_activity a
where a.pid <> pg_catalog.pg_backend_pid()
order by a.pid
