-- one row a session or process of the server but our own, with the beginning of its statement (14) and whom it waits for
-- reads pg_stat_activity; pg_blocking_pids for those that wait for a lock
-- needs pg_read_all_stats for what other roles' sessions do, which is null without it
-- new in 14: query_id
select
    a.pid,
    a.leader_pid,
    a.datname as database,
    a.usename as "user",
    a.application_name,
    pg_catalog.host(a.client_addr) as client_addr,
    a.backend_type,
    a.state,
    a.wait_event_type,
    a.wait_event,
    extract(epoch from a.backend_start)::pg_catalog.float8 as backend_start,
    a.backend_start::pg_catalog.text as backend_start_text,
    extract(epoch from a.xact_start)::pg_catalog.float8 as xact_start,
    extract(epoch from a.query_start)::pg_catalog.float8 as query_start,
    extract(epoch from a.state_change)::pg_catalog.float8 as state_change,
    pg_catalog.age(a.backend_xmin)::pg_catalog.float8 as xmin_age,
    a.query_id as query_id,
    pg_catalog.left(a.query, $1::pg_catalog.int4) as query,
    case when a.wait_event_type = 'Lock' then pg_catalog.to_json(pg_catalog.pg_blocking_pids(a.pid)) else '[]' end as blocked_by
from pg_catalog.pg_stat_activity a
where a.pid <> pg_catalog.pg_backend_pid()
order by a.pid
