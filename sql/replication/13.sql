-- one row: the standbys that are connected, the replication slots, and where a standby receives from
-- reads pg_stat_replication, pg_replication_slots, pg_stat_wal_receiver
-- needs pg_read_all_stats for the state of standbys and of the receiver, which are null without it
-- new in 13: first variant
select
    (
        select coalesce(
            pg_catalog.json_agg(
                pg_catalog.json_build_object(
                    'pid', w.pid,
                    'name', coalesce(w.application_name, ''),
                    'client_addr', pg_catalog.host(w.client_addr),
                    'state', w.state,
                    'sync_state', w.sync_state,
                    'sent_lag_bytes', pg_catalog.pg_wal_lsn_diff(here.lsn, w.sent_lsn)::pg_catalog.float8,
                    'replay_lag_bytes', pg_catalog.pg_wal_lsn_diff(here.lsn, w.replay_lsn)::pg_catalog.float8,
                    'replay_lag_s', extract(epoch from w.replay_lag)::pg_catalog.float8
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
                    'name', r.slot_name,
                    'kind', r.slot_type,
                    'active', r.active,
                    'retained_bytes', pg_catalog.pg_wal_lsn_diff(here.lsn, r.restart_lsn)::pg_catalog.float8,
                    'wal_status', r.wal_status
                )
                order by r.slot_name collate "C"
            ),
            '[]'
        )
        from pg_catalog.pg_replication_slots r
    ) as slots,
    (
        select coalesce(
            pg_catalog.json_agg(
                pg_catalog.json_build_object(
                    'status', v.status,
                    'sender_host', v.sender_host,
                    'replay_age_s', extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp())::pg_catalog.float8
                )
            ),
            '[]'
        )
        from pg_catalog.pg_stat_wal_receiver v
    ) as receiver
from (
    select case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
        else pg_catalog.pg_current_wal_lsn()
    end as lsn
) here
