-- one row a statement of this database ($1, oid), most expensive first, at most $2 (bigint) of them; figures only
-- reads pg_stat_statements(false) of the extension's schema
-- needs pg_read_all_stats for other roles' query ids, which are null without it
-- new in 1.9: toplevel
select
    s.queryid,
    s.userid::pg_catalog.int8 as userid,
    s.dbid::pg_catalog.int8 as dbid,
    s.toplevel,
    s.calls,
    s.total_exec_time,
    s.mean_exec_time,
    s.stddev_exec_time,
    s.total_plan_time,
    s.rows,
    s.shared_blks_hit,
    s.shared_blks_read,
    s.shared_blks_dirtied,
    s.temp_blks_read,
    s.temp_blks_written,
    s.blk_read_time,
    s.wal_bytes::pg_catalog.float8 as wal_bytes,
    null::pg_catalog.float8 as stats_since,
    pg_catalog.count(*) over () as found
from @extschema@.pg_stat_statements(showtext := false) s
where s.dbid = $1
order by s.total_exec_time desc, s.queryid, s.userid, s.toplevel
limit $2
