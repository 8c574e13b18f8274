-- one row a sequence of $1 (oid[]): the last value that it handed out; null for those in $2 (oid[]), which somebody locks
-- reads the sequences
-- needs SELECT or USAGE on a sequence, whose value is null without it
-- new in 13: first variant
select
    c.oid::pg_catalog.int8 as oid,
    case
        when c.oid <> all ($2::pg_catalog.oid[])
            and pg_catalog.has_sequence_privilege(c.oid, 'select, usage')
            -- What is not logged has no contents on a standby.
            and (c.relpersistence = 'p' or not pg_catalog.pg_is_in_recovery())
        then pg_catalog.pg_sequence_last_value(c.oid::pg_catalog.regclass)
    end as last_value
from pg_catalog.pg_class c
where c.oid = any ($1::pg_catalog.oid[])
order by c.oid
