-- one row: what the session $1 (pid) is doing, how far it is, and who is in its way
-- reads pg_stat_activity, pg_stat_progress_create_index, pg_locks
-- needs no privilege for a session of the same role; other roles' state and age are null without pg_read_all_stats
-- new in 13: first variant
select
    p.phase,
    coalesce(p.blocks_total, 0) as blocks_total,
    coalesce(p.blocks_done, 0) as blocks_done,
    coalesce(p.tuples_total, 0) as tuples_total,
    coalesce(p.tuples_done, 0) as tuples_done,
    coalesce(p.lockers_total, 0) as lockers_total,
    coalesce(p.lockers_done, 0) as lockers_done,
    w.locktype as waits_for,
    coalesce(
        case when w.locktype is not null then (
            select pg_catalog.json_agg(
                pg_catalog.json_build_object(
                    'pid', b.pid,
                    'usename', s.usename,
                    'application_name', s.application_name,
                    'state', s.state,
                    'xact_age_ms', extract(epoch from pg_catalog.clock_timestamp() - s.xact_start)::pg_catalog.float8 * 1000
                )
                order by s.xact_start, b.pid
            )
            from pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) b (pid)
            left join pg_catalog.pg_stat_activity s on s.pid = b.pid
        ) end,
        '[]'
    ) as blockers
from pg_catalog.pg_stat_activity a
left join pg_catalog.pg_stat_progress_create_index p on p.pid = a.pid
left join lateral (
    select l.locktype
    from pg_catalog.pg_locks l
    where l.pid = a.pid and not l.granted
    limit 1
) w on true
where a.pid = $1::pg_catalog.int4
order by a.pid
