-- one row a statement of any database that has counted since it was looked at last ($1: what was told then, bigint[]); in no order, sorting thousands of rows each time is dear
-- reads pg_stat_statements(false) of the extension's schema
-- needs pg_read_all_stats for other roles' query ids, which are null without it: those are told each time
-- new in 1.10: times of JIT and of temporary blocks; servers that have it hash the array of <> all, where those before would search it row by row
select
    s.state,
    s.userid,
    s.dbid,
    s.queryid,
    s.toplevel,
    s.calls::pg_catalog.float8 as calls,
    s.total_exec_time,
    s.total_plan_time,
    s.rows::pg_catalog.float8 as rows,
    s.shared_blks_hit::pg_catalog.float8 as shared_blks_hit,
    s.shared_blks_read::pg_catalog.float8 as shared_blks_read,
    s.shared_blks_dirtied::pg_catalog.float8 as shared_blks_dirtied,
    s.shared_blks_written::pg_catalog.float8 as shared_blks_written,
    s.temp_blks_read::pg_catalog.float8 as temp_blks_read,
    s.temp_blks_written::pg_catalog.float8 as temp_blks_written,
    s.blk_time,
    s.wal_bytes,
    s.jit_time,
    s.since,
    s.max_exec_time,
    s.stddev_exec_time
from (
    select
        s.queryid # (s.userid::pg_catalog.int8 << 33) # (s.dbid::pg_catalog.int8 << 1) # s.toplevel::pg_catalog.int4::pg_catalog.int8 # s.calls as state,
        s.userid,
        s.dbid,
        s.queryid,
        s.toplevel as toplevel,
        s.calls,
        s.total_exec_time as total_exec_time,
        s.total_plan_time as total_plan_time,
        s.rows,
        s.shared_blks_hit,
        s.shared_blks_read,
        s.shared_blks_dirtied,
        s.shared_blks_written,
        s.temp_blks_read,
        s.temp_blks_written,
        s.blk_read_time + s.blk_write_time + s.temp_blk_read_time + s.temp_blk_write_time as blk_time,
        s.wal_bytes::pg_catalog.float8 as wal_bytes,
        s.jit_generation_time + s.jit_inlining_time + s.jit_optimization_time + s.jit_emission_time as jit_time,
        null::pg_catalog.float8 as since,
        s.max_exec_time as max_exec_time,
        s.stddev_exec_time as stddev_exec_time
    from @extschema@.pg_stat_statements(showtext := false) s
) s
where case when s.queryid is null then true else s.state <> all ($1::pg_catalog.int8[]) end
