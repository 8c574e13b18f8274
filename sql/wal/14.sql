-- one row: how much WAL was generated
-- reads pg_stat_wal
-- needs no privilege
-- new in 14: the view
select
    w.wal_records::pg_catalog.float8 as records,
    w.wal_fpi::pg_catalog.float8 as fpi,
    w.wal_bytes::pg_catalog.float8 as bytes,
    w.wal_buffers_full::pg_catalog.float8 as buffers_full,
    extract(epoch from w.stats_reset)::pg_catalog.float8 as stats_reset
from pg_catalog.pg_stat_wal w
