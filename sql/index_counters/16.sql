-- one row an index of this database: what it has counted, and what is known of it
-- reads pg_stat_user_indexes, pg_class, pg_index
-- needs no privilege
-- new in 16: last_idx_scan
select
    s.indexrelid::pg_catalog.int8 as oid,
    s.relid::pg_catalog.int8 as table_oid,
    s.schemaname as schema,
    s.relname as "table",
    s.indexrelname as name,
    s.idx_scan::pg_catalog.float8 as idx_scan,
    s.idx_tup_read::pg_catalog.float8 as idx_tup_read,
    s.idx_tup_fetch::pg_catalog.float8 as idx_tup_fetch,
    c.relpages::pg_catalog.float8 * pg_catalog.current_setting('block_size')::pg_catalog.float8 as size_bytes,
    i.indisprimary as "primary",
    i.indisunique as "unique",
    i.indisvalid as valid,
    extract(epoch from s.last_idx_scan)::pg_catalog.float8 as last_scan
from pg_catalog.pg_stat_user_indexes s
join pg_catalog.pg_class c on c.oid = s.indexrelid
join pg_catalog.pg_index i on i.indexrelid = s.indexrelid
order by s.indexrelid
