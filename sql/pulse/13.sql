-- one row: the server's clock, and what tells whether it is the same server as before
-- reads pg_database, pg_stat_database and settings
-- needs pg_read_all_stats to see other roles' sessions, which sees_all tells
-- new in 13: first variant
select
    extract(epoch from pg_catalog.clock_timestamp())::pg_catalog.float8 as at,
    pg_catalog.current_setting('server_version') as version,
    pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as version_num,
    pg_catalog.current_database() as database,
    current_user as "user",
    pg_catalog.pg_is_in_recovery() as in_recovery,
    extract(epoch from pg_catalog.pg_postmaster_start_time())::pg_catalog.float8 as postmaster_start,
    pg_catalog.current_setting('max_connections')::pg_catalog.float8 as max_connections,
    case when not pg_catalog.pg_is_in_recovery() then
        pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::pg_catalog.float8
    end as wal_position,
    (select pg_catalog.max(pg_catalog.age(d.datfrozenxid)) from pg_catalog.pg_database d) as oldest_xid_age,
    (
        select extract(epoch from s.stats_reset)::pg_catalog.float8
        from pg_catalog.pg_stat_database s
        where s.datname = pg_catalog.current_database()
    ) as stats_reset,
    pg_catalog.pg_has_role('pg_read_all_stats', 'usage') as sees_all,
    pg_catalog.current_setting('pg_stat_statements.max', true)::pg_catalog.float8 as statements_max
