-- one row: all databases' ages, this one's counters, replication slots, standbys, prepared transactions
-- reads pg_database, pg_stat_database, pg_replication_slots, pg_stat_replication, pg_prepared_xacts
-- needs pg_read_all_stats for the state and lag of standbys, which are null without it
-- new in 13: first variant; later views only add columns, which to_jsonb() reads by name
select
    (
        select pg_catalog.json_agg(
            pg_catalog.json_build_object(
                'name', d.datname,
                'xid_age', pg_catalog.age(d.datfrozenxid),
                'mxid_age', pg_catalog.mxid_age(d.datminmxid)
            )
            order by d.datname collate "C"
        )
        from pg_catalog.pg_database d
    ) as databases,
    (
        select pg_catalog.json_build_object(
            'xact_commit', s.xact_commit,
            'xact_rollback', s.xact_rollback,
            'blks_read', s.blks_read,
            'blks_hit', s.blks_hit,
            'temp_files', s.temp_files,
            'temp_bytes', s.temp_bytes,
            'deadlocks', s.deadlocks,
            'checksum_failures', s.checksum_failures,
            'checksum_last_failure', extract(epoch from s.checksum_last_failure)::pg_catalog.float8,
            'sessions', (pg_catalog.to_jsonb(s) ->> 'sessions')::pg_catalog.float8,
            'session_time', (pg_catalog.to_jsonb(s) ->> 'session_time')::pg_catalog.float8,
            'active_time', (pg_catalog.to_jsonb(s) ->> 'active_time')::pg_catalog.float8,
            'idle_in_transaction_time', (pg_catalog.to_jsonb(s) ->> 'idle_in_transaction_time')::pg_catalog.float8,
            'stats_reset', extract(epoch from s.stats_reset)::pg_catalog.float8
        )
        from pg_catalog.pg_stat_database s
        where s.datname = pg_catalog.current_database()
    ) as counters,
    (
        select coalesce(
            pg_catalog.json_agg(
                pg_catalog.json_build_object(
                    'name', r.slot_name,
                    'kind', r.slot_type,
                    'active', r.active,
                    'retained_bytes', pg_catalog.pg_wal_lsn_diff(
                        case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
                            else pg_catalog.pg_current_wal_lsn()
                        end,
                        r.restart_lsn
                    )::pg_catalog.float8,
                    'xmin_age', greatest(pg_catalog.age(r.xmin), pg_catalog.age(r.catalog_xmin)),
                    'wal_status', r.wal_status
                )
                order by r.slot_name
            ),
            '[]'
        )
        from pg_catalog.pg_replication_slots r
    ) as slots,
    (
        select coalesce(
            pg_catalog.json_agg(
                pg_catalog.json_build_object(
                    'name', coalesce(w.application_name, ''),
                    'state', w.state,
                    'lag_bytes', case when not pg_catalog.pg_is_in_recovery() then
                        pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), w.replay_lsn)::pg_catalog.float8
                    end
                )
                order by w.application_name collate "C", w.pid
            ),
            '[]'
        )
        from pg_catalog.pg_stat_replication w
    ) as standbys,
    (
        select coalesce(
            pg_catalog.json_agg(
                pg_catalog.json_build_object(
                    'gid', p.gid,
                    'database', p.database,
                    'owner', p.owner,
                    'prepared', extract(epoch from p.prepared)::pg_catalog.float8,
                    'xid_age', pg_catalog.age(p.transaction)
                )
                order by p.prepared, p.gid collate "C"
            ),
            '[]'
        )
        from pg_catalog.pg_prepared_xacts p
    ) as prepared
