-- one row a table of this database: what it has counted, and what is known of it
-- reads pg_stat_user_tables, pg_class
-- needs no privilege
-- new in 13: first variant
select
    t.relid::pg_catalog.int8 as oid,
    t.schemaname as schema,
    t.relname as name,
    coalesce(t.seq_scan, 0)::pg_catalog.float8 as seq_scan,
    coalesce(t.seq_tup_read, 0)::pg_catalog.float8 as seq_tup_read,
    coalesce(t.idx_scan, 0)::pg_catalog.float8 as idx_scan,
    coalesce(t.idx_tup_fetch, 0)::pg_catalog.float8 as idx_tup_fetch,
    t.n_tup_ins::pg_catalog.float8 as n_tup_ins,
    t.n_tup_upd::pg_catalog.float8 as n_tup_upd,
    t.n_tup_del::pg_catalog.float8 as n_tup_del,
    t.n_tup_hot_upd::pg_catalog.float8 as n_tup_hot_upd,
    t.n_live_tup::pg_catalog.float8 as n_live_tup,
    t.n_dead_tup::pg_catalog.float8 as n_dead_tup,
    t.n_mod_since_analyze::pg_catalog.float8 as n_mod_since_analyze,
    extract(epoch from greatest(t.last_vacuum, t.last_autovacuum))::pg_catalog.float8 as last_vacuum,
    extract(epoch from greatest(t.last_analyze, t.last_autoanalyze))::pg_catalog.float8 as last_analyze,
    c.relpages::pg_catalog.float8 * pg_catalog.current_setting('block_size')::pg_catalog.float8 as size_bytes
from pg_catalog.pg_stat_user_tables t
join pg_catalog.pg_class c on c.oid = t.relid
order by t.relid
