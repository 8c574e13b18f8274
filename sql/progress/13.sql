-- one row a long command that is under way: how far it is
-- reads pg_stat_progress_vacuum, _analyze, _create_index, _cluster, _basebackup, pg_stat_activity
-- needs pg_read_all_stats for other roles' commands, whose phase is null without it
-- new in 13: first variant
select
    p.pid,
    p.command,
    p.database,
    case when p.database = pg_catalog.current_database() then p.relid::pg_catalog.regclass::pg_catalog.text end as relation,
    coalesce(p.phase, '') as phase,
    coalesce(p.done, 0)::pg_catalog.float8 as done,
    coalesce(p.total, 0)::pg_catalog.float8 as total,
    p.unit,
    extract(epoch from a.query_start)::pg_catalog.float8 as since
from (
    select v.pid, 'VACUUM' as command, v.datname::pg_catalog.text as database, v.relid, v.phase, v.heap_blks_scanned as done, v.heap_blks_total as total, 'blocks' as unit
    from pg_catalog.pg_stat_progress_vacuum v
    union all
    select v.pid, 'ANALYZE', v.datname, v.relid, v.phase, v.sample_blks_scanned, v.sample_blks_total, 'blocks'
    from pg_catalog.pg_stat_progress_analyze v
    union all
    select v.pid, v.command, v.datname, v.relid, v.phase,
        case when v.blocks_total > 0 then v.blocks_done else v.tuples_done end,
        case when v.blocks_total > 0 then v.blocks_total else v.tuples_total end,
        case when v.blocks_total > 0 then 'blocks' else 'rows' end
    from pg_catalog.pg_stat_progress_create_index v
    union all
    select v.pid, v.command, v.datname, v.relid, v.phase, v.heap_blks_scanned, v.heap_blks_total, 'blocks'
    from pg_catalog.pg_stat_progress_cluster v
    union all
    select v.pid, 'BASE BACKUP', null, null, v.phase, v.backup_streamed, v.backup_total, 'bytes'
    from pg_catalog.pg_stat_progress_basebackup v
) p
left join pg_catalog.pg_stat_activity a on a.pid = p.pid
order by p.pid
