-- one row a collation that a column uses, or the database, whose library has changed since it was recorded
-- reads pg_collation, pg_attribute, pg_database
-- needs no privilege
-- new in 15: the version of the database's own collation
select
    c.collname as name,
    c.collversion as recorded,
    pg_catalog.pg_collation_actual_version(c.oid) as actual
from pg_catalog.pg_collation c
where c.collversion is not null
    and c.collversion <> pg_catalog.pg_collation_actual_version(c.oid)
    and exists (
        select from pg_catalog.pg_attribute a
        where a.attcollation = c.oid and a.attrelid >= 16384 and a.attnum > 0 and not a.attisdropped
    )
union all
select null, d.datcollversion, pg_catalog.pg_database_collation_actual_version(d.oid)
from pg_catalog.pg_database d
where d.datname = pg_catalog.current_database()
    and d.datcollversion <> pg_catalog.pg_database_collation_actual_version(d.oid)
order by 1 nulls first
