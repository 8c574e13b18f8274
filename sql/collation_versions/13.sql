-- one row a collation that a column uses whose library has changed since it was recorded
-- reads pg_collation, pg_attribute
-- needs no privilege
-- new in 13: first variant
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
order by c.collname collate "C"
