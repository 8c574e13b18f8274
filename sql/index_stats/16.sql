-- one row an index: its usage counters
-- reads pg_stat_all_indexes
-- needs no privilege
-- new in 16: time of the last scan
select
    s.indexrelid::pg_catalog.int8 as oid,
    s.idx_scan,
    s.idx_tup_read,
    s.idx_tup_fetch,
    extract(epoch from s.last_idx_scan)::pg_catalog.float8 as last_idx_scan
from pg_catalog.pg_stat_all_indexes s
where s.schemaname <> all ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
order by s.indexrelid
