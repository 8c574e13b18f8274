-- one row a database: what it has counted
-- reads pg_stat_database, pg_database
-- needs no privilege
-- new in 13: first variant
select
    s.datid::pg_catalog.int8 as oid,
    s.datname as name,
    s.numbackends::pg_catalog.float8 as numbackends,
    s.xact_commit::pg_catalog.float8 as xact_commit,
    s.xact_rollback::pg_catalog.float8 as xact_rollback,
    s.blks_hit::pg_catalog.float8 as blks_hit,
    s.blks_read::pg_catalog.float8 as blks_read,
    s.tup_returned::pg_catalog.float8 as tup_returned,
    s.tup_fetched::pg_catalog.float8 as tup_fetched,
    (s.tup_inserted + s.tup_updated + s.tup_deleted)::pg_catalog.float8 as tup_written,
    s.temp_bytes::pg_catalog.float8 as temp_bytes,
    s.deadlocks::pg_catalog.float8 as deadlocks,
    pg_catalog.age(d.datfrozenxid)::pg_catalog.float8 as xid_age
from pg_catalog.pg_stat_database s
join pg_catalog.pg_database d on d.oid = s.datid
order by s.datname collate "C"
