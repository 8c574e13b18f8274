-- one row a kind of process, object and occasion: its I/O
-- reads pg_stat_io
-- needs no privilege
-- new in 18: bytes of their own
select
    i.backend_type,
    i.object,
    i.context,
    coalesce(i.reads, 0)::pg_catalog.float8 as reads,
    coalesce(i.read_bytes, 0)::pg_catalog.float8 as read_bytes,
    coalesce(i.read_time, 0)::pg_catalog.float8 as read_time,
    coalesce(i.writes, 0)::pg_catalog.float8 as writes,
    coalesce(i.write_bytes, 0)::pg_catalog.float8 as write_bytes,
    coalesce(i.write_time, 0)::pg_catalog.float8 as write_time,
    coalesce(i.extends, 0)::pg_catalog.float8 as extends,
    coalesce(i.hits, 0)::pg_catalog.float8 as hits,
    coalesce(i.evictions, 0)::pg_catalog.float8 as evictions,
    coalesce(i.fsyncs, 0)::pg_catalog.float8 as fsyncs
from pg_catalog.pg_stat_io i
order by i.backend_type collate "C", i.object collate "C", i.context collate "C"
