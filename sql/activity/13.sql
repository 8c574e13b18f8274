-- one row a distinct statement that a session of this database runs or ran last
-- reads pg_stat_activity
-- needs pg_read_all_stats for other roles' statements, which read <insufficient privilege> without it
-- new in 13: first variant
select
    'pg_stat_activity' as source,
    null::pg_catalog.int8 as queryid,
    a.usesysid::pg_catalog.int8 as userid,
    a.datid::pg_catalog.int8 as dbid,
    true as toplevel,
    a.query,
    pg_catalog.count(*) as calls
from pg_catalog.pg_stat_activity a
where a.backend_type = 'client backend'
    and a.datname = pg_catalog.current_database()
    and a.pid <> pg_catalog.pg_backend_pid()
    and a.query <> ''
group by a.usesysid, a.datid, a.query
order by calls desc, a.query collate "C", a.usesysid
